package runapi

import (
	"log/slog"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// Mode says what becomes of a run.
type Mode string

const (
	// ModeOnline asks for a run that is sent while it goes on. This version
	// keeps it offline and says so: Run.Notice.
	ModeOnline Mode = "online"
	// ModeOffline keeps the run in its directory.
	ModeOffline Mode = "offline"
	// ModeDisabled stores nothing and measures nothing.
	ModeDisabled Mode = "disabled"
)

// Settings describe a run. The zero value works. A field left zero is taken
// from the environment, settings files and defaults, in this order.
type Settings struct {
	Project string   // 1-128 characters, none of / \ # ? % : ; default: name of the git repository, else uncategorized
	Entity  string   // user or team; "" is the server's default
	Name    string   // display name; "" lets the server invent one
	ID      string   // run id; default: 8 random characters
	Group   string   // runs shown together
	JobType string   // train, eval, ...
	Notes   string   // Markdown
	Tags    []string // each 1-64 characters
	Mode    Mode     // default ModeOnline
	Dir     string   // where the wandb directory is made; default: the working directory

	// Config is the initial config: a map with text keys or a struct, whose
	// fields are named by their json tags.
	Config any

	SampleInterval time.Duration  // between hardware samples; default 1 s, at least 100 ms
	StatsInterval  time.Duration  // between stats records of the run; default 5 s, at least 100 ms
	PID            int            // root of the process tree that is followed; 0 is this process
	DiskPaths      []string       // filesystems whose use is measured; default "/"
	GPULibrary     string         // path of NVIDIA's management library; "" searches as the loader does
	OrphanMarker   string         // environment entry NAME=VALUE that only the process tree of PID has: finds its orphans
	Label          string         // suffix of this writer's system metric keys
	Outputs        []agent.Output // more places for the run's numbers; Select is filled in when empty

	DisableStats       bool // no hardware samples
	DisableMeta        bool // no environment record, no wandb-metadata.json
	DisableMachineInfo bool // neither stats nor metadata, and no host name
	DisableGit         bool // do not look for a git repository
	DisableConsole     bool // ConsoleWriter stores nothing

	// What the metadata says about the program. Zero values are those of this
	// process.
	Program    string   // source file or command
	Executable string   // path of the binary
	Args       []string // arguments without the program; secrets are masked
	Host       string   // host name
	Username   string
	Email      string
	Docker     string // image
	GitRemote  string // overrides what .git says
	GitCommit  string
	GitRoot    string // directory of the working tree

	// Code supplies what follows; it has no counterpart in files.

	// Logger gets warnings; nil is silence.
	Logger *slog.Logger
	// Environ replaces os.Environ, the only place where the environment is
	// read. Empty and not nil means no environment.
	Environ []string
	// RunDir is an existing run directory to write into. When it holds a log
	// already, that log is continued: id, start time, step, config and summary
	// are taken from it.
	RunDir *runlog.Dir

	logFile func(runlog.File) runlog.File // tests break and stall the log with it
}
