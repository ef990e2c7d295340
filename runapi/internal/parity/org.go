package parity

var orgRows = []Row{
	{ID: "ORG-01", What: "One project groups comparable runs with its own page; run groups can be toggled"},
	{ID: "ORG-02", What: "Notes are editable in the table"},
	{ID: "ORG-03", What: "Tags mark baselines; filter by tag; editable"},
	{ID: "ORG-04", What: "Set-up example with project, notes, tags and config",
		Go:    "runapi.Init, runapi.Settings.Project, runapi.Settings.Notes, runapi.Settings.Tags, runapi.Settings.Config",
		Test:  "interop/wandb.TestExamples/setup",
		Class: Direct},
}
