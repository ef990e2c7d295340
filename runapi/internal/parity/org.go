package parity

var orgRows = []Row{
	{ID: "ORG-01", What: "One project groups comparable runs with its own page; run groups can be toggled",
		Go:    "wandb-agent ls --project, wandb-agent ls --group",
		Test:  "cmd/wandb-agent.TestScripts/ls",
		Class: Adapted, Why: "The page is the server's; of local runs ls lists those of a project or a group."},
	{ID: "ORG-02", What: "Notes are editable in the table",
		Go:    "wandb-agent edit --notes, runapi.RunReader.Edit",
		Test:  "cmd/wandb-agent.TestScripts/ls, cmd/wandb-agent.TestEditedRunIsSentAgain",
		Class: Adapted, Why: "By a command, and from Go; sync brings it to the table of the server."},
	{ID: "ORG-03", What: "Tags mark baselines; filter by tag; editable",
		Go:    "wandb-agent ls --tag, wandb-agent edit --add-tag, wandb-agent edit --remove-tag, runapi.RunReader.Edit",
		Test:  "cmd/wandb-agent.TestScripts/ls, cmd/wandb-agent.TestEditedRunIsSentAgain",
		Class: Direct},
	{ID: "ORG-04", What: "Set-up example with project, notes, tags and config",
		Go:    "runapi.Init, runapi.Settings.Project, runapi.Settings.Notes, runapi.Settings.Tags, runapi.Settings.Config",
		Test:  "interop/wandb.TestExamples/setup",
		Class: Direct},
}
