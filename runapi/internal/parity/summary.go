package parity

var summaryRows = []Row{
	{ID: "SUM-01", What: "Dict-like single values per run",
		Go:    "runapi.Summary.Set, runapi.Summary.Get, runapi.Summary.Delete, runapi.Summary.All",
		Test:  "runapi.TestSummary",
		Class: Adapted, Why: "Methods in place of a dict."},
	{ID: "SUM-02", What: "By default the last logged value",
		Go:    "runapi.Run.Summary",
		Test:  "runapi.TestSummary",
		Class: Direct},
	{ID: "SUM-03", What: "A manually set key is no longer overwritten by log"},
	{ID: "SUM-04", What: "Keep the best model's value while logging every step"},
	{ID: "SUM-05", What: "Nested dicts wrapped in a sub-dict that knows its path from the root"},
	{ID: "SUM-06", What: "Any property change triggers the root callback"},
	{ID: "SUM-07", What: "Numpy/torch/tf arrays: full tensor saved in a binary file"},
	{ID: "SUM-08", What: "Statistics of a saved tensor: min, mean, variance, 95th percentile"},
	{ID: "SUM-09", What: "May be written after training ended"},
	{ID: "SUM-10", What: "Shown in the run table"},
	{ID: "SUM-11", What: "The best-accuracy loop example works",
		Go:    "runapi.Summary.Set",
		Test:  "interop/wandb.TestExamples/best",
		Class: Direct},
}
