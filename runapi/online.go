package runapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// uplink sends the log of a run while it is written. The nil uplink is that
// of a run which is kept.
type uplink struct {
	known chan struct{} // closed when the server has said what it calls the run
	ended chan struct{} // closed when nothing is sent any more

	mu      sync.Mutex // guards what follows
	up      *upload.Uploader
	cancel  context.CancelFunc // ends Run
	over    chan struct{}      // closed when Run has returned
	id      upload.Identity
	isKnown bool
	err     error // how Run ended; valid after ended
}

// startUplink begins to send the run, unless it waits for a client to say whose
// run it is. It returns at once.
func (r *Run) startUplink(client *api.Client) error {
	u := &uplink{known: make(chan struct{}), ended: make(chan struct{})}
	if r.awaitsClient() {
		r.link.Store(u)
		return nil
	}
	if err := r.beginUplink(u, client); err != nil {
		return err
	}
	r.link.Store(u)
	return nil
}

// beginUplink begins to send through u, which sends nothing yet.
func (r *Run) beginUplink(u *uplink, client *api.Client) error {
	onStop := r.askToStop
	if r.dir.Client() != nil { // which is asked, too, and knows how to end its program
		onStop = func() {}
	}
	up, err := upload.New(upload.Options{
		Dir: r.dir, Client: client, Live: true, Transmit: r.set.Transmit, MaxBatch: int(r.set.MaxLogBytes / 8), Ignore: r.set.IgnoreGlobs,
		Logger: r.set.Logger.With("run", r.set.ID), OnIdentity: u.identify, OnStop: onStop, OnArtifact: r.artifactDone,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	u.mu.Lock()
	u.up, u.cancel, u.over = up, cancel, over
	u.mu.Unlock()
	go func() { // ends with Finish of the uploader, or cancel
		defer close(over)
		_, err := up.Run(ctx)
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.up == up { // else another one takes its place
			u.err = err
			close(u.ended)
		}
	}()
	return nil
}

// sender returns what sends now; nil if nothing does yet.
func (u *uplink) sender() *upload.Uploader {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.up
}

// account returns what became of the run's data.
func (u *uplink) account() upload.Account {
	if up := u.sender(); up != nil {
		return up.Account()
	}
	return upload.Account{}
}

// pause ends the sending so that it can begin again, as another writer.
func (u *uplink) pause() {
	u.mu.Lock()
	cancel, over := u.cancel, u.over
	u.up = nil
	u.mu.Unlock()
	if cancel != nil {
		cancel()
		<-over
	}
}

// keep says that nothing will be sent, and why.
func (u *uplink) keep(why error) {
	u.pause()
	u.mu.Lock()
	defer u.mu.Unlock()
	select {
	case <-u.ended:
	default:
		u.err = why
		close(u.ended)
	}
}

// identify takes what the server calls the run.
func (u *uplink) identify(id upload.Identity) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.id = id
	if !u.isKnown {
		u.isKnown = true
		close(u.known)
	}
}

// atServer waits until the server knows the run, and returns what it calls it.
func (r *Run) atServer(ctx context.Context) (upload.Identity, error) {
	var u *uplink
	if r != nil {
		u = r.link.Load()
	}
	if u == nil {
		return upload.Identity{}, ErrOffline
	}
	select {
	case <-u.known:
		return u.identity(), nil
	case <-u.ended:
		return upload.Identity{}, errors.Join(ErrOffline, u.failure())
	case <-ctx.Done():
		return upload.Identity{}, errors.Join(context.Cause(ctx), u.account().LastError)
	}
}

// identity returns what the server calls the run; empty as long as it has not
// said.
func (u *uplink) identity() upload.Identity {
	if u == nil {
		return upload.Identity{}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.id
}

// wake says that the log has grown.
func (u *uplink) wake() {
	if u == nil {
		return
	}
	if up := u.sender(); up != nil {
		up.Wake()
	}
}

// failure returns how Run ended; nil while it goes on.
func (u *uplink) failure() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// abandon ends the upload where it is.
func (u *uplink) abandon() {
	if u == nil {
		return
	}
	u.keep(upload.ErrUnsent)
	<-u.ended
}

// uplinkEnd is how long an upload that was cancelled may take to end.
const uplinkEnd = time.Second

// finish sends what is left until ctx ends, and says what then remains.
func (u *uplink) finish(ctx context.Context, dir string) error {
	if u == nil {
		return nil
	}
	up := u.sender()
	if up == nil {
		return &UnsentError{Dir: dir, Whole: true, Err: u.failure()}
	}
	report, err := up.Finish(ctx)
	u.mu.Lock()
	u.cancel()
	u.mu.Unlock()
	select {
	case <-u.ended:
	case <-time.After(uplinkEnd):
	}
	if report.Complete {
		return nil
	}
	return unsent(dir, up.Account(), errors.Join(err, u.failure()))
}

// mustAsk says whether the server has to be asked before the first row.
func (s *Settings) mustAsk() bool { return s.Resume != "" || s.ResumeFrom != "" }

// settleStart waits until the server has said at which step the run goes on.
// The error is that of a run that must not be. Where the run may begin without
// an answer the notice says so.
func (r *Run) settleStart(ctx context.Context) error {
	u := r.link.Load()
	if u == nil || !r.set.mustAsk() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.set.InitTimeout)
	defer cancel()
	select {
	case <-u.known:
		r.base = u.identity().StartingStep
		return nil
	case <-u.ended:
	case <-ctx.Done():
	}
	err := u.failure()
	strict := r.set.Resume == "must" || r.set.Resume == "never" || r.set.ResumeFrom != ""
	if err == nil {
		err = errors.Join(context.Cause(ctx), u.account().LastError)
	}
	if strict || errors.Is(err, upload.ErrResume) {
		return fmt.Errorf("ask %s about run %s: %w", r.client.BaseURL(), r.Path(), err)
	}
	r.addNotice("the server did not say whether run %s is resumed (%v): its steps count from 0 here, and from the right step there", r.Path(), err)
	r.set.Logger.Warn("run begins without an answer of the server", "run", r.Path(), "error", err)
	return nil
}

// addNotice tells the user one more thing.
func (r *Run) addNotice(format string, args ...any) {
	if r.notice != "" {
		r.notice += "; "
	}
	r.notice += fmt.Sprintf(format, args...)
}

// giveUp takes back a run that was begun and must not be.
func (r *Run) giveUp(err error) error {
	r.link.Load().abandon()
	err = errors.Join(err, r.log.Close())
	if r.set.RunDir == nil {
		err = errors.Join(err, os.RemoveAll(r.dir.Path))
	}
	return err
}

// Resumed says that the server had the run before this process began; false as
// long as the server has not said.
func (r *Run) Resumed() bool { return r != nil && r.link.Load().identity().Resumed }

// StartingStep returns the step at which this process began: that of Settings.ForkFrom
// or ResumeFrom plus one, what the server said for Resume, else 0.
func (r *Run) StartingStep() int64 {
	if r == nil {
		return 0
	}
	return r.base
}

// Upload returns what became of the run's data on the way to the server; zero
// for a run that is kept.
func (r *Run) Upload() upload.Account {
	if r == nil {
		return upload.Account{}
	}
	if u := r.link.Load(); u != nil {
		return u.account()
	}
	return upload.Account{}
}
