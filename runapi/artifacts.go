package runapi

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	wandbartifact "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

// ErrOffline is returned by what can only be done with a server, in a run that
// is kept.
var ErrOffline = errors.New("the run is not sent")

// ErrBadName is returned for names that no artifact, and no model, can have. It
// is that of package exporters/wandb/artifact.
var ErrBadName = wandbartifact.ErrBadName

// ArtifactOptions say how a version is logged.
type ArtifactOptions struct {
	Aliases []string // beside "latest" and those of the artifact
	Tags    []string
	Use     bool // the run reads the version: it is an input of the run, and not made by it
	Open    bool // of a distributed artifact: other writers will add to it; see UpsertArtifact

	// DistributedID, the same in several writers, makes one version of what all of
	// them add. "" is that of the artifact.
	DistributedID string
}

// errNothingLogged is what waits for a nil *LoggedArtifact.
var errNothingLogged = errors.New("wait for artifact: nothing was logged")

// LoggedArtifact is a version on its way to the server. A nil one, of LogCode that
// found nothing, is none.
type LoggedArtifact struct {
	run      *Run
	clientID string
	done     chan struct{} // closed when the server has it, or will not
	result   wandbartifact.Result
	err      error // valid after done, as result
}

// LogArtifact makes a a new version that the run made. When it returns nil the
// version is in the run's log and its files are kept for it, below the run
// directory or where they lie: it is sent with the run, now or later. The
// artifact cannot be changed or logged again. Errors are those of
// artifact.Artifact.Record, ErrFinished, and those of the run log.
func (r *Run) LogArtifact(ctx context.Context, a *artifact.Artifact, o ArtifactOptions) (*LoggedArtifact, error) {
	l := &LoggedArtifact{run: r, done: make(chan struct{})}
	if r == nil || r.off {
		l.err = ErrOffline
		close(l.done)
		return l, nil
	}
	rec, err := a.Record(ctx, artifact.RecordOptions{
		Entity: r.Entity(), Project: r.Project(), RunID: r.set.ID, Staging: filepath.Join(r.dir.Path, "staging"),
		Aliases: o.Aliases, Tags: o.Tags, UseAfterCommit: o.Use, NoFinalize: o.Open, DistributedID: o.DistributedID,
	})
	if err != nil {
		return nil, err
	}
	l.clientID = a.ClientID()
	r.expect(l)
	if err := r.record(&wandbpb.Record{RecordType: &wandbpb.Record_Artifact{Artifact: rec}}); err != nil {
		return nil, fmt.Errorf("log artifact %s: %w", a.Name(), err)
	}
	r.madeHere(rec)
	r.link.Load().wake()
	return l, nil
}

// madeHere remembers the versions of a run that is kept, for UseArtifact.
func (r *Run) madeHere(rec *wandbpb.ArtifactRecord) {
	if r.link.Load() != nil {
		return
	}
	r.logMu.Lock()
	defer r.logMu.Unlock()
	r.made = append(r.made, rec)
}

// expect keeps l until the uploader says what became of it.
func (r *Run) expect(l *LoggedArtifact) {
	r.logMu.Lock()
	defer r.logMu.Unlock()
	if r.logged == nil {
		r.logged = make(map[string]*LoggedArtifact)
	}
	r.logged[l.clientID] = l
}

// artifactDone takes what became of a version from the uploader.
func (r *Run) artifactDone(clientID string, result wandbartifact.Result, err error) {
	r.logMu.Lock()
	defer r.logMu.Unlock()
	l := r.logged[clientID]
	if l == nil {
		return
	}
	delete(r.logged, clientID)
	l.result, l.err = result, err
	close(l.done)
}

// Wait returns when the server has the version, or will not have it. For a run
// that is kept the error is ErrOffline, for one that ended before ErrUnsent: the
// version is then sent with the run, later.
func (l *LoggedArtifact) Wait(ctx context.Context) (wandbartifact.Result, error) {
	if l == nil {
		return wandbartifact.Result{}, errNothingLogged
	}
	if l.run != nil && !l.run.off && l.run.link.Load() == nil {
		return wandbartifact.Result{}, fmt.Errorf("wait for artifact: %w", ErrOffline)
	}
	var ended chan struct{}
	if l.run != nil && !l.run.off {
		ended = l.run.link.Load().ended
	}
	select {
	case <-l.done:
		return l.result, l.err
	case <-ended:
		select {
		case <-l.done:
			return l.result, l.err
		default:
			return wandbartifact.Result{}, fmt.Errorf("wait for artifact: %w", ErrUnsent)
		}
	case <-ctx.Done():
		return wandbartifact.Result{}, fmt.Errorf("wait for artifact: %w", context.Cause(ctx))
	}
}
