package parity

var codeRows = []Row{
	{ID: "CODE-01", What: "log_code(root): walk and store code as an artifact",
		Go:    "runapi.Run.LogCode, runapi.Settings.CodeDir, WANDB_CODE_DIR",
		Test:  "runapi.TestLogCode, runapi.TestLogCodeWithoutARepository",
		Class: Direct},
	{ID: "CODE-02", What: "Name, defaulting to source-project-entrypoint",
		Go:    "runapi.CodeOptions.Name",
		Test:  "runapi.TestLogCode",
		Class: Direct},
	{ID: "CODE-03", What: "include_fn(path[, root]); default .py files",
		Go:    "runapi.CodeOptions.Include, runapi.IsSource, runapi.CodeOptions.Untracked",
		Test:  "runapi.TestLogCode",
		Class: Adapted, Why: "By default source files of many languages that git tracks, and not every .py file below the directory."},
	{ID: "CODE-04", What: "exclude_fn; default skips the run dirs",
		Go:    "runapi.CodeOptions.Exclude",
		Test:  "runapi.TestLogCode, runapi.TestLogCodeWithoutARepository",
		Class: Direct},
	{ID: "CODE-05", What: "Returns the artifact if code was logged, else none",
		Go:    "runapi.Run.LogCode",
		Test:  "runapi.TestLogCode",
		Class: Direct},
}
