package parity

var metricRows = []Row{
	{ID: "DEF-01", What: "Name",
		Go:    "runapi.Run.DefineMetric",
		Test:  "runapi.ExampleRun_DefineMetric, interop/wandb.TestFeatures/metrics",
		Class: Direct},
	{ID: "DEF-02", What: "step_metric as name or Metric"},
	{ID: "DEF-03", What: "step_sync adds the step metric to history; on by default with step_metric"},
	{ID: "DEF-04", What: "Hidden from automatic plots",
		Go:    "runapi.MetricOptions.Hidden",
		Test:  "interop/wandb.TestFeatures/metrics",
		Class: Direct},
	{ID: "DEF-05", What: "Summary aggregates: min, max, mean, best, last, none; default copy"},
	{ID: "DEF-06", What: "\"best\" defaults to minimise"},
	{ID: "DEF-07", What: "Goal minimise / maximise",
		Go:    "runapi.MetricOptions.Goal",
		Test:  "interop/wandb.TestFeatures/metrics",
		Class: Direct},
	{ID: "DEF-08", What: "Overwrite an earlier definition"},
	{ID: "DEF-09", What: "Extra keyword arguments accepted"},
	{ID: "DEF-10", What: "Returned object can be refined further"},
	{ID: "DEF-11", What: "Hardware metrics can be put on any step metric"},
}
