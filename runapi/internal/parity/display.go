package parity

var displayRows = []Row{
	{ID: "DISP-01", What: "display(height=420, hidden=False) in Jupyter, returns bool"},
	{ID: "DISP-02", What: "to_html(height, hidden): iframe snippet"},
	{ID: "DISP-03", What: "Run, project, sweep pages have URLs"},
}
