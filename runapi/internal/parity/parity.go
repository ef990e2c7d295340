// Package parity is the table of everything that the reference documents of the
// Python client promise, beside what a Go program has for it:
//
//	lib.go, init.go, ...  a file per section, a row per promise ─┬▶ tests: names and tests of a row exist
//	                                                             └▶ docs/parity.md (make docs)
//
// Whoever builds a feature fills its row here, in the same commit, and runs
// make docs. A row names what exists: tests look it up.
package parity

// A Row is one promise.
type Row struct {
	ID   string // stable name, such as LOG-04
	What string // the promise, in our words
	// Go is what a Go program has for it, names separated by ", ": an exported
	// name behind its package's folder (runapi.Run.Log, runapi.Settings.Dir,
	// runapi/artifact.New), a command with its flags (wandb-agent exec --dir),
	// or a variable (WANDB_DIR).
	Go string
	// Test are the tests that show it, separated by ", ": folder and function
	// (runapi.TestStepRules, runapi.ExampleAtStep, interop/wandb.TestFeatures/save),
	// or a script (cmd/wandb-agent.TestScripts/login).
	Test  string
	Class Class
	Why   string // of Deferred and Missing; else where our rule differs
}

// Class says how a promise is kept.
type Class uint8

const (
	// Missing is a promise that nothing here keeps.
	Missing Class = iota
	// Direct works as promised.
	Direct
	// Adapted does the same in the way of Go.
	Adapted
	// Replaced is something that makes no sense in Go; its nearest useful
	// equivalent is there.
	Replaced
	// Deferred needs a web page, a terminal view or a service of our own.
	Deferred
)

// Classes are all of them, the kept promises first.
var Classes = []Class{Direct, Adapted, Replaced, Deferred, Missing}

// String returns the word for c.
func (c Class) String() string {
	switch c {
	case Direct:
		return "direct"
	case Adapted:
		return "adapted"
	case Replaced:
		return "replaced"
	case Deferred:
		return "deferred"
	default:
		return "missing"
	}
}

// A Section is a subject.
type Section struct {
	Title string
	Count int // of rows
	Rows  []Row
}

// Sections returns the table.
func Sections() []Section {
	return []Section{
		{"Library and process model", 19, libRows},
		{"Init and its settings", 36, initRows},
		{"Login", 8, loginRows},
		{"Attributes of a run", 23, runRows},
		{"Config", 14, configRows},
		{"Log and history", 20, logRows},
		{"Media", 14, mediaRows},
		{"Plots over tables", 6, plotRows},
		{"DefineMetric", 11, metricRows},
		{"Summary", 11, summaryRows},
		{"Save and restore", 19, filesRows},
		{"Code", 5, codeRows},
		{"Artifacts and models", 28, artifactRows},
		{"Alerts", 5, alertRows},
		{"Stop requests, status, finish, preemption", 9, stopRows},
		{"Display", 3, displayRows},
		{"Watching values", 8, watchRows},
		{"Settings and precedence", 8, settingsRows},
		{"Captured without being asked", 10, autoRows},
		{"Organisation", 4, orgRows},
	}
}
