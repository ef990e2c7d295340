package parity

var settingsRows = []Row{
	{ID: "SET-01", What: "Load order: defaults, environment, setup(), system config, workspace config, init(), then org, entity and project settings from the network"},
	{ID: "SET-02", What: "Load order differs from priority; priority by source"},
	{ID: "SET-03", What: "Overrides beat non-overrides, and among overrides the order is reversed"},
	{ID: "SET-04", What: "Settings(entity, project) constructor; raises on trouble"},
	{ID: "SET-05", What: "Copy is not frozen"},
	{ID: "SET-06", What: "System and workspace config files exist"},
	{ID: "SET-07", What: "Environment variables named: WANDB_API_KEY, WANDB_RUN_ID"},
	{ID: "SET-08", What: "Env reference page linked"},
}
