package upload

import (
	"errors"
	"log/slog"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/filestream"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

var (
	// ErrLocked means that another upload of the run is going on.
	ErrLocked = errors.New("another upload of this run is going on")
	// ErrResume means that the run cannot be resumed, or not be created, as its
	// resume mode wants. Nothing was sent.
	ErrResume = errors.New("resume mode")
	// ErrNoSuchRun is the ErrResume of a run that must be there.
	ErrNoSuchRun = errors.New("there is no such run")
	// ErrRunExists is the ErrResume of a run that must not be there.
	ErrRunExists = errors.New("there is a run already")
	// ErrKey means that the server does not take the key. Everything is kept.
	ErrKey = filestream.ErrKey
	// ErrRefused means that the server refuses everything that is sent for this
	// run. Everything is kept.
	ErrRefused = filestream.ErrRefused
	// ErrUnsent means that the upload was ended with something left to send.
	ErrUnsent = errors.New("not everything was sent")
)

// Options are what an upload is about. Dir and Client are required.
type Options struct {
	Dir    *runlog.Dir
	Client *api.Client // of a shared run: made with Options.Shared

	Entity, Project, RunID string // where the run goes, instead of what its log says

	// Live follows a log that is still written, until Finish. Otherwise the log
	// is taken as it is; repair it before.
	Live bool
	// UntilExit takes the exit record for the end of a live log: for logs of
	// programs that do not lock them.
	UntilExit bool
	// Resume is must, allow, never or auto, instead of what the log says.
	Resume string

	Transmit  time.Duration // time between requests; 15 s when 0
	Debounce  time.Duration // how long changes of names and config, and files, are collected; 5 s when 0
	Poll      time.Duration // how often a live log is looked at without Wake; 1 s when 0
	Unreached time.Duration // how long Finish waits for a server that never answered; 5 s when 0

	// MaxBatch is about how many bytes of lines one request holds; 10 MiB when 0.
	// As much again is read ahead. It must be small beside a log that is kept
	// small, see Uploader.Trim.
	MaxBatch int

	Ignore  []string // globs of run files that are not uploaded
	TempDir string   // for files that are made for the upload; empty: that of the system

	Retry  api.RetryPolicy // how long to wait for a server that does not answer; about 7 days when zero
	Logger *slog.Logger    // nil: silent

	// OnIdentity is told what the server calls the run, once it has answered;
	// again when that changes. OnStop is told once that somebody asked the run
	// to stop. OnArtifact is told of every artifact that is done, or that failed
	// for good. Progress is told of every acknowledged request. They must not
	// block.
	OnIdentity func(Identity)
	OnStop     func()
	OnArtifact func(clientID string, r artifact.Result, err error)
	Progress   func(Account)
}

// Identity is what the server calls a run.
type Identity struct {
	Entity, Project, RunID string
	DisplayName            string
	StorageID              string   // the server's own id
	URL                    string   // for people
	Sweep                  string   // sweep id; empty: none
	Resumed                bool     // the run had been there before
	StartingStep           int64    // of the first row of this log
	Tags                   []string // that a resumed run had and keeps; not to be changed
	Notes                  string   // likewise
}

// A Tally says what became of one kind of thing. Offered = Sent + Dropped +
// Pending.
type Tally struct {
	Offered int64 // in the logs, as far as they were read
	Sent    int64 // acknowledged by the server
	Dropped int64 // never to be sent: too large, damaged, refused, gone
}

// Pending is what is still to be sent.
func (t Tally) Pending() int64 { return t.Offered - t.Sent - t.Dropped }

// Account says how an upload fares.
type Account struct {
	Rows, Samples, Texts     Tally // history rows, samples of system metrics, pieces of console text
	Files, Alerts, Artifacts Tally
	PendingBytes             int64 // of the logs that are not acknowledged, about
	StepsMoved               int64 // rows whose step was changed by the step rule
	Reached                  bool  // the server has answered
	LastError                error // of the newest request that failed; nil once one succeeded
}

// Unsent says whether something is left.
func (a *Account) Unsent() bool {
	for _, t := range []Tally{a.Rows, a.Samples, a.Texts, a.Files, a.Alerts, a.Artifacts} {
		if t.Pending() > 0 {
			return true
		}
	}
	return false
}

// Report is how an upload ended.
type Report struct {
	Account
	Identity
	Complete bool // the server has everything and knows that the run is over
	Already  bool // it had everything before
}

func (o *Options) withDefaults() {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Transmit, 15*time.Second)
	def(&o.Debounce, 5*time.Second)
	def(&o.Poll, time.Second)
	def(&o.Unreached, 5*time.Second)
	if o.MaxBatch <= 0 || o.MaxBatch > filestream.MaxRequest {
		o.MaxBatch = filestream.MaxRequest
	}
	if o.Retry == (api.RetryPolicy{}) {
		o.Retry = api.StreamRetry
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnIdentity == nil {
		o.OnIdentity = func(Identity) {}
	}
	if o.OnStop == nil {
		o.OnStop = func() {}
	}
	if o.OnArtifact == nil {
		o.OnArtifact = func(string, artifact.Result, error) {}
	}
	if o.Progress == nil {
		o.Progress = func(Account) {}
	}
}
