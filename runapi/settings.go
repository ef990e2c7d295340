package runapi

import (
	"log/slog"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Mode says what becomes of a run.
type Mode string

const (
	// ModeOnline sends the run while it goes on. Without a key it is kept
	// offline: Run.Notice says so.
	ModeOnline Mode = "online"
	// ModeShared is ModeOnline for one of several writers of a run: the server
	// numbers the steps in the order in which rows arrive.
	ModeShared Mode = "shared"
	// ModeOffline keeps the run in its directory.
	ModeOffline Mode = "offline"
	// ModeDisabled stores nothing and measures nothing.
	ModeDisabled Mode = "disabled"
)

// HostSampling says which of the ranks on one machine measure it. The process
// tree of its own every rank measures.
type HostSampling string

const (
	// HostOnce lets local rank 0 measure the machine, and a process that is no
	// rank.
	HostOnce HostSampling = "once"
	// HostAlways lets every rank do it.
	HostAlways HostSampling = "always"
	// HostNever leaves the machine to another program.
	HostNever HostSampling = "never"
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
	Dir     string   // where the wandb directory is made; default: the working directory. One that cannot be written is an error; a run that is sent uses a temporary one
	Reinit  Reinit   // what Init does while other runs of this process go on; default ReinitNew

	// Resume says what is to become of a run that the server has already under
	// ID: "must" and "allow" go on with it, must fails when there is none, never
	// fails when there is one, auto is allow with the ID of the run that this
	// directory's last auto run had, unless that ended well. "" does not ask.
	Resume string
	// ResumeFrom cuts a run back to a step and goes on there; ForkFrom begins a
	// new run with the history of another up to a step. Both are written
	// "ID?_step=N" and exclude each other and Resume.
	ResumeFrom, ForkFrom string

	SweepID        string // the sweep this run is part of
	SweepParamPath string // YAML file with the values that the sweep chose; they are locked in the config

	// Config is the initial config: a map with text keys, a struct, whose fields
	// are named by their json tags, or a Config that NewConfig made. It goes over
	// that of ConfigFiles, which are read in their order (see ReadConfig), and
	// those over DefaultsFile of the working directory, if it is there. What a
	// sweep chose goes over all.
	Config           any
	ConfigFiles      []string
	NoConfigDefaults bool // do not look for DefaultsFile

	// ConfigInclude and ConfigExclude choose among the top-level keys of all of
	// that, with * for any text. Only one of them may be given.
	ConfigInclude, ConfigExclude []string

	// KeepLate stores a row that AtStep puts below the run's step, as the next
	// free step and with the one that was asked for in _late_step, in place of
	// ErrStepBack. See "Steps".
	KeepLate bool

	AllowConfigChange bool // as if AllowChange were given to every change of the config

	SampleInterval time.Duration  // between hardware samples; default 1 s, at least 100 ms
	StatsInterval  time.Duration  // between stats records of the run; default 5 s, at least 100 ms
	PID            int            // root of the process tree that is followed; 0 is this process
	DiskPaths      []string       // filesystems whose use is measured; default "/"
	GPULibrary     string         // path of NVIDIA's management library; "" searches as the loader does
	OrphanMarker   string         // environment entry NAME=VALUE that only the process tree of PID has: finds its orphans
	FollowClient   bool           // when the processes of PID use the official Python client, be a writer of its run: its id, its rows
	HostSampling   HostSampling   // which ranks measure the machine; default HostOnce
	Label          string         // suffix of this writer's system metric keys; default rank-N for one of several ranks
	Outputs        []agent.Output // more places for the run's numbers; Select is filled in when empty

	// MaxLogBytes bounds the log of a run that never ends, at least 64 KiB; 0 is
	// no bound. See "Runs that never end".
	MaxLogBytes int64

	APIKey        api.Key           // made with api.NewKey; default: see package exporters/wandb/auth
	RequireLogin  bool              // without a key an online run is ErrNotLoggedIn, instead of kept
	BaseURL       string            // of the server; default: WANDB_BASE_URL, settings files, https://api.wandb.ai
	FinishTimeout time.Duration     // how long Finish sends what is left; default 60 s, negative is not at all
	InitTimeout   time.Duration     // how long Init waits for the server when it must ask (Resume, ResumeFrom); default 90 s
	Transmit      time.Duration     // between requests of the file stream; default 15 s, at least 100 ms
	IgnoreGlobs   []string          // files below files/ that are never sent
	InsecureTLS   bool              // do not verify the server's certificate
	ExtraHeaders  map[string]string // of every request; never stored
	Secondary     bool              // config, summary, metadata and files of the run are another writer's
	LeaveRunning  bool              // Finish does not end the run on the server: another writer does

	// StepHardware puts hardware on the rows: names of W&B system metrics, in
	// which * stands for any text, or default. Each stored step gains
	// hardware/<name>.mean and .max, hardware/joules of the GPUs, and
	// hardware/cpu_seconds of this process. See "Hardware per step".
	StepHardware []string

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

	// SaveCode stores what was changed since the commit, as the files diff.patch
	// and git-state.json of the run; CodeDir a directory whose source files Init
	// logs as LogCode does. DisableCode forbids both, and not LogCode.
	SaveCode    bool
	CodeDir     string
	DisableCode bool

	// HandleSignals finishes the run when the process gets SIGINT or SIGTERM, as
	// ended by that signal, within 5 s or at once at the next one; then the signal
	// is raised again, so that the process ends as it would have. A SIGTERM of a
	// scheduler (Slurm, Kubernetes) marks the run as preempted before. Without it
	// signals are the program's alone.
	HandleSignals bool

	// Code supplies what follows; it has no counterpart in files.

	// Logger gets messages of level Info and above; nil is silence.
	Logger *slog.Logger
	// Environ replaces os.Environ, the only place where the environment is
	// read. Empty and not nil means no environment.
	Environ []string
	// RunDir is an existing run directory to write into. When it holds a log
	// already, that log is continued: id, start time, step, config and summary
	// are taken from it.
	RunDir *runlog.Dir
	// Part says that RunDir is the run of another process, which goes on with it:
	// this one adds what it measures, under Label, in a log of its own. Names,
	// sending and the files are the other's; the exit counts if that one never says.
	Part bool

	logFile  func(runlog.File) runlog.File // tests break and stall the log with it
	inside   bool                          // the run is that of the exec around us: our log is a part of it
	noGit    bool                          // DisableGit, as it was asked for
	noMeta   bool                          // DisableMeta, likewise
	rank     int                           // among the writers of the run, from 0
	noHost   bool                          // another rank measures the machine
	base     int64                         // starting step of a run that was detached
	reattach bool                          // Resume and the like of the environment were seen to when the run began
	branch   *wandbpb.BranchPoint          // of ResumeFrom or ForkFrom
}
