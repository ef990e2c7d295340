package wandb_test

// differences is all in which our client is known not to be like the official
// one.
var differences = []known{
	{"", "*/requirements.txt", "Packages of Python: a Go program has none."},
	{"", "requests/uploads/run file * requirements.txt", "As above."},
	{"", "*/config/_wandb/value/python_version", "A Go program has no version of Python."},
	{"", "*/program", "The path of a Python script; the command of a Go program is in wandb-metadata.json."},
	{"", "requests/operations/Viewer", "The official client asks who the user is before it begins a run, to print it; ours learns the entity from the answer to UpsertBucket."},
	{"log", "*/none", "A key whose newest value is null has null in the summary; the official client leaves it out there, and only there."},
	{"alert", "*/_runtime", "The official client gives a run without rows a _runtime in the summary; in ours it is in _wandb.runtime, as for every run."},
	{"console", "*/_runtime", "As above."},
	{"metrics", "*/value/m[0]/7", "Summary best: the official client drops it from the definition, ours tells the server what was asked."},
	{"labels", "requests/operations/UpsertBucket[0]/*", "Names are given when a run of ours begins and cannot be changed later, so one request has them all."},
	{"resume", "requests/operations/RunResumeStatus", "Before it cuts a run back ours asks whose it is, so that a run which is not there is told apart."},
	{"resume", "requests/operations/UpsertBucket[0]/later/displayName", "The official client sends the name back that the server gave; null leaves it as it is."},
	{"shared", "*/metrics/system.agent.*", "Metrics that the official client does not have."},
	{"shared", "*/metrics/system.disk./dev/shm.*", "Ours measures the shared memory that data loaders fill."},
}
