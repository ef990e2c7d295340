package parity

var plotRows = []Row{
	{ID: "PLOT-01", What: "Custom chart over a table by Vega spec name", Go: "runapi/media.Chart",
		Test: "runapi/media.TestChartsAreDescribed, interop/wandb.TestFeatures/media", Class: Direct},
	{ID: "PLOT-02", What: "Table key used to store the data", Go: "runapi/media.Chart.MediaKey",
		Test: "runapi/media.TestChartsAreDescribed, interop/wandb.TestFeatures/media", Class: Direct},
	{ID: "PLOT-03", What: "Fields map table columns to chart fields", Go: "runapi/media.Chart",
		Test: "runapi/media.TestChartsAreDescribed, runapi/media.TestChartsRefuse", Class: Direct,
		Why: "A column that is not there is an error"},
	{ID: "PLOT-04", What: "string_fields constants", Go: "runapi/media.Chart",
		Test: "runapi/media.TestChartsAreDescribed", Class: Direct},
	{ID: "PLOT-05", What: "split_table: table in its own section", Go: "runapi/media.ChartOptions",
		Test: "runapi/media.TestChartsAreDescribed, interop/wandb.TestOfficialClientReadsOurMedia", Class: Direct},
	{ID: "PLOT-06", What: "Presets", Go: "runapi/media.LinePlot, runapi/media.ScatterPlot, runapi/media.BarPlot, runapi/media.HistogramPlot, runapi/media.LineSeries, runapi/media.PRCurve, runapi/media.ROCCurve, runapi/media.ConfusionMatrix",
		Test: "runapi/media.TestChartsAreDescribed, runapi/media.TestCurvesLikeTheOfficialClient, interop/wandb.TestFeatures/media", Class: Direct,
		Why: "Curves with more than 10,000 points are thinned evenly, not at random"},
}
