package parity

var displayRows = []Row{
	{ID: "DISP-01", What: "display(height=420, hidden=False) in Jupyter, returns bool",
		Go:    "runapi.Run.HTML, wandb-agent export --format",
		Test:  "runapi.TestLinks, cmd/wandb-agent.TestScripts/show",
		Class: Replaced, Why: "There is no notebook kernel to draw in: the snippet for a frame, and a page of the run as a file."},
	{ID: "DISP-02", What: "to_html(height, hidden): iframe snippet",
		Go:    "runapi.Run.HTML, exporters/wandb/report.WriteHTML, wandb-agent export --format",
		Test:  "runapi.TestLinks, exporters/wandb/report.TestPageShowsEverySection, exporters/wandb/report.FuzzPage",
		Class: Adapted, Why: "The snippet needs a server; WriteHTML writes a page that needs none."},
	{ID: "DISP-03", What: "Run, project, sweep pages have URLs",
		Go:    "runapi.Run.URL, runapi.Run.ProjectURL, runapi.Run.SweepURL",
		Test:  "runapi.TestLinks",
		Class: Direct},
}
