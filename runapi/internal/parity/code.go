package parity

var codeRows = []Row{
	{ID: "CODE-01", What: "log_code(root): walk and store code as an artifact"},
	{ID: "CODE-02", What: "Name, defaulting to source-project-entrypoint"},
	{ID: "CODE-03", What: "include_fn(path[, root]); default .py files"},
	{ID: "CODE-04", What: "exclude_fn; default skips the run dirs"},
	{ID: "CODE-05", What: "Returns the artifact if code was logged, else none"},
}
