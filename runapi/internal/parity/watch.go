package parity

var watchRows = []Row{
	{ID: "WATCH-01", What: "Hook a torch model, collect gradients and topology"},
	{ID: "WATCH-02", What: "Several models in a tuple"},
	{ID: "WATCH-03", What: "criterion: loss being optimised"},
	{ID: "WATCH-04", What: "log = gradients / parameters / all / none"},
	{ID: "WATCH-05", What: "log_freq every N batches: 1000 in the older documents, 100 in the newest"},
	{ID: "WATCH-06", What: "idx for several calls"},
	{ID: "WATCH-07", What: "log_graph; returns a graph filled after the first backward pass"},
	{ID: "WATCH-08", What: "unwatch(models)"},
}
