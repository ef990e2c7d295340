package parity

var loginRows = []Row{
	{ID: "LOGIN-01", What: "Anonymous must / allow / never"},
	{ID: "LOGIN-02", What: "Key",
		Go:    "wandb-agent login, runapi.Settings.APIKey",
		Test:  "cmd/wandb-agent.TestScripts/login",
		Class: Direct, Why: "Never an argument of a command: those are seen by everybody on the machine."},
	{ID: "LOGIN-03", What: "relogin: prompt again",
		Go:    "wandb-agent login --relogin",
		Test:  "cmd/wandb-agent.TestLoginAtTerminal",
		Class: Direct},
	{ID: "LOGIN-04", What: "Host",
		Go:    "wandb-agent login --host, WANDB_BASE_URL",
		Test:  "cmd/wandb-agent.TestScripts/login",
		Class: Direct},
	{ID: "LOGIN-05", What: "force: in the signature, undocumented"},
	{ID: "LOGIN-06", What: "Returns whether a key is configured"},
	{ID: "LOGIN-07", What: "Usage error when no key and no terminal"},
	{ID: "LOGIN-08", What: "Shared machine: WANDB_API_KEY env picks the account, may be set in the script",
		Go:    "WANDB_API_KEY, runapi.Settings.APIKey, exporters/wandb/auth.NewSource",
		Test:  "exporters/wandb/auth.TestFind",
		Class: Direct},
}
