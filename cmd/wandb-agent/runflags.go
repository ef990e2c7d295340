package main

import (
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// runFlags are the flags of commands that make a run. They travel to the
// worker of exec as JSON.
type runFlags struct {
	Project        string        `json:"project,omitempty"`
	Entity         string        `json:"entity,omitempty"`
	Name           string        `json:"name,omitempty"`
	ID             string        `json:"id,omitempty"`
	Group          string        `json:"group,omitempty"`
	JobType        string        `json:"job_type,omitempty"`
	Notes          string        `json:"notes,omitempty"`
	Tags           []string      `json:"tags,omitempty"`
	Mode           string        `json:"mode,omitempty"`
	Dir            string        `json:"dir,omitempty"`
	SampleInterval time.Duration `json:"sample_interval,omitempty"`
	StatsInterval  time.Duration `json:"stats_interval,omitempty"`
	Resume         string        `json:"resume,omitempty"`
	BaseURL        string        `json:"base_url,omitempty"`
	FinishTimeout  time.Duration `json:"finish_timeout,omitempty"`
	Label          string        `json:"label,omitempty"`
	OnStop         string        `json:"on_stop,omitempty"`
	Client         string        `json:"client,omitempty"`
	Config         string        `json:"config,omitempty"`
	Listen         string        `json:"listen,omitempty"`
	TensorBoard    string        `json:"tensorboard,omitempty"`
}

// add declares the flags; names are W&B's own.
func (f *runFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.Project, "project", "", "project (WANDB_PROJECT; default: the git repository's name)")
	fs.StringVar(&f.Entity, "entity", "", "user or team (WANDB_ENTITY)")
	fs.StringVar(&f.Name, "name", "", "display name (WANDB_NAME)")
	fs.StringVar(&f.ID, "id", "", "run id (WANDB_RUN_ID; default: 8 random characters)")
	fs.StringVar(&f.Group, "group", "", "group of runs (WANDB_RUN_GROUP)")
	fs.StringVar(&f.JobType, "job-type", "", "kind of work (WANDB_JOB_TYPE)")
	fs.StringVar(&f.Notes, "notes", "", "notes, Markdown (WANDB_NOTES)")
	fs.StringSliceVar(&f.Tags, "tags", nil, "tags, separated by commas (WANDB_TAGS)")
	fs.StringVar(&f.Mode, "mode", "", "online, shared, offline or disabled (WANDB_MODE; default online)")
	fs.StringVar(&f.Dir, "dir", "", "where the wandb directory is made (WANDB_DIR; default: here)")
	fs.StringVar(&f.Resume, "resume", "", "go on with the run of this id: must, allow, never or auto (WANDB_RESUME)")
	fs.StringVar(&f.BaseURL, "base-url", "", "server (WANDB_BASE_URL; default https://api.wandb.ai)")
	fs.DurationVar(&f.FinishTimeout, "finish-timeout", 0, "how long to send what is left at the end (WANDB_FINISH_TIMEOUT; default 1m)")
	fs.StringVar(&f.Label, "label", "", "suffix of this writer's hardware metrics (WANDB_X_LABEL; default rank-N for one of several ranks)")
	fs.StringVar(&f.Client, "client", clientJoin, "the official client in the processes that are followed: join (one run with it) or apart")
	fs.StringVar(&f.TensorBoard, "tensorboard", "", "follow the event files (tfevents) of this directory: scalars, histograms and images become rows")
	fs.StringVar(&f.Config, "config", "", "configuration file whose OTLP receivers get the run's numbers too")
	fs.StringVar(&f.Listen, "web.listen-address", "", "host:port of /metrics with the run's newest numbers (default: none)")
	fs.DurationVar(&f.SampleInterval, "sample-interval", 0, "time between hardware samples (default 1s)")
	fs.DurationVar(&f.StatsInterval, "stats-interval", 0, "time between hardware records in the run (default 5s)")
}

// settings returns what the flags say; the rest is left to the environment,
// settings files and defaults.
func (f *runFlags) settings() runapi.Settings {
	return runapi.Settings{
		Project: f.Project, Entity: f.Entity, Name: f.Name, ID: f.ID, Group: f.Group, JobType: f.JobType,
		Notes: f.Notes, Tags: f.Tags, Mode: runapi.Mode(f.Mode), Dir: f.Dir,
		Resume: f.Resume, BaseURL: f.BaseURL, FinishTimeout: f.FinishTimeout, Label: f.Label,
		SampleInterval: f.SampleInterval, StatsInterval: f.StatsInterval, GPULibrary: os.Getenv(nvmlVariable),
		FollowClient:     f.Client == clientJoin,
		NoConfigDefaults: true, // a file of the program's, which may read it itself
	}
}
