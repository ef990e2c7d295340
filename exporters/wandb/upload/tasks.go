package upload

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// tasks is what goes to the server beside the file stream: changes of names and
// config, alerts, artifacts. Each kind has a worker of its own, so that a large
// artifact does not hold up an alert.
type tasks struct {
	u        *Uploader
	identity Identity
	done     map[string]bool // by origin; only read
	state    *taskState
}

// taskState is shared by the workers.
type taskState struct {
	mu        sync.Mutex // guards what follows
	alerts    []task
	artifacts []task
	alert     Tally
	artifact  Tally
	closed    bool          // no task is added any more
	more      chan struct{} // size one, for alerts
	heavy     chan struct{} // size one, for artifacts
	change    chan struct{} // size one: names or config may have changed
	ended     chan struct{} // closed when all workers have ended
	flush     chan struct{} // closed: send changes at once
}

// task is one thing to be done once.
type task struct {
	origin string
	do     func(context.Context) error
}

// newTasks leaves out what earlier uploads have done.
func newTasks(u *Uploader, id Identity, pos *position) tasks {
	done := map[string]bool{}
	for _, origin := range append(slices.Clone(pos.Alerts), pos.Artifacts...) {
		done[origin] = true
	}
	return tasks{u: u, identity: id, done: done, state: &taskState{
		more: make(chan struct{}, 1), heavy: make(chan struct{}, 1), change: make(chan struct{}, 1),
		ended: make(chan struct{}), flush: make(chan struct{}),
	}}
}

// addAlert queues an alert unless it was delivered by an earlier upload.
func (t tasks) addAlert(origin string, a *wandbpb.AlertRecord) {
	t.add(origin, &t.state.alerts, &t.state.alert, t.state.more, func(ctx context.Context) error {
		return t.u.once.Alert(ctx, t.identity.Entity, t.identity.Project, t.identity.RunID, api.Alert{
			Title: a.GetTitle(), Text: a.GetText(), Level: a.GetLevel(), Wait: time.Duration(a.GetWaitDuration()) * time.Millisecond,
		})
	})
}

// addArtifact queues the transfer of an artifact unless it was done. Records
// that say that an artifact is used are history: who wrote them has told the
// server.
func (t tasks) addArtifact(origin string, rec *wandbpb.ArtifactRecord) {
	step := t.u.feed.rows.lastStep + 1 // the one that is being put together
	t.add(origin, &t.state.artifacts, &t.state.artifact, t.state.heavy, func(ctx context.Context) error {
		return t.sendArtifact(ctx, rec, step)
	})
}

// staging is where the files of artifacts wait, below the run's directory.
const staging = "staging"

// sendArtifact transfers one artifact and removes the copies of its files.
func (t tasks) sendArtifact(ctx context.Context, rec *wandbpb.ArtifactRecord, step int64) error {
	dir := filepath.Join(t.u.o.Dir.Path, staging)
	result, err := artifact.Upload(ctx, t.u.o.Client, rec, artifact.Options{
		Entity: t.identity.Entity, Project: t.identity.Project, Run: t.identity.RunID, Step: step, Staging: dir,
	})
	if ctx.Err() != nil || err != nil && api.Classify(err, api.GraphQL) == api.Retry {
		return err
	}
	t.u.o.OnArtifact(rec.GetClientId(), result, err)
	if err == nil {
		if err := artifact.RemoveStaged(rec, dir); err != nil {
			t.u.o.Logger.Warn("copies of an artifact's files stay", "artifact", rec.GetName(), "error", err)
		}
	}
	return err
}

func (t tasks) add(origin string, queue *[]task, tally *Tally, wake chan struct{}, do func(context.Context) error) {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	tally.Offered++
	if t.done[origin] {
		tally.Sent++
		return
	}
	*queue = append(*queue, task{origin, do})
	signal(wake)
}

func (t tasks) tallies() (alerts, artifacts Tally) {
	if t.state == nil {
		return alerts, artifacts
	}
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	return t.state.alert, t.state.artifact
}

// run works until close was called and everything is done, or ctx ends.
func (t tasks) run(ctx context.Context) error {
	defer close(t.state.ended)
	var wg sync.WaitGroup
	var changes error
	wg.Go(func() { t.work(ctx, &t.state.alerts, &t.state.alert, t.state.more, t.u.alertDone) })
	wg.Go(func() { t.work(ctx, &t.state.artifacts, &t.state.artifact, t.state.heavy, t.u.artifactDone) })
	wg.Go(func() { changes = t.upserts(ctx) })
	wg.Wait()
	return changes
}

// close says that no task comes any more; changes are sent without delay.
func (t tasks) close() {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	if !t.state.closed {
		t.state.closed = true
		close(t.state.flush)
	}
}

// work does the tasks of one kind in order. One that fails for good is counted
// and said; the run goes on without it.
func (t tasks) work(ctx context.Context, queue *[]task, tally *Tally, wake chan struct{}, done func(string)) {
	for {
		t.state.mu.Lock()
		closed := t.state.closed
		var next *task
		if len(*queue) > 0 {
			next = &(*queue)[0]
		}
		t.state.mu.Unlock()
		if next == nil {
			if closed {
				return
			}
			select {
			case <-wake:
			case <-t.state.flush:
			case <-ctx.Done():
				return
			}
			continue
		}
		if !t.attempt(ctx, next, tally, done) {
			return
		}
		t.state.mu.Lock()
		*queue = (*queue)[1:]
		t.state.mu.Unlock()
	}
}

// attempt does a task; false when ctx ended before it was done.
func (t tasks) attempt(ctx context.Context, next *task, tally *Tally, done func(string)) bool {
	for n := 0; ; n++ {
		err := next.do(ctx)
		if err == nil {
			done(next.origin)
			t.state.mu.Lock()
			tally.Sent++
			t.state.mu.Unlock()
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if api.Classify(err, api.GraphQL) == api.Retry {
			wait := t.u.o.Retry.Wait(n, err)
			t.u.trouble(err, wait)
			if api.Sleep(ctx, wait) != nil {
				return false
			}
			continue
		}
		t.u.o.Logger.Error("the server refuses a part of the run", "run", t.identity.RunID, "error", err)
		t.state.mu.Lock()
		tally.Dropped++
		t.state.mu.Unlock()
		return true
	}
}

// upserts sends changes of names and config, collected for Options.Debounce.
func (t tasks) upserts(ctx context.Context) error {
	for {
		flush := false
		select {
		case <-t.state.change:
		case <-t.state.flush:
			flush = true
		case <-ctx.Done():
			return nil
		}
		if !flush {
			debounce := time.NewTimer(t.u.o.Debounce)
			select {
			case <-debounce.C:
			case <-t.state.flush:
			case <-ctx.Done():
			}
			debounce.Stop()
		}
		if err := t.u.upsert(ctx); err != nil {
			return err
		}
		if flush {
			return nil
		}
	}
}

// upsert tells the server what changed of names and config since the last time.
func (u *Uploader) upsert(ctx context.Context) error {
	f := u.feed
	u.mu.Lock()
	pos := u.pos
	u.mu.Unlock()
	f.mu.Lock()
	changes := f.changes
	f.changes.params, f.changes.config = false, false
	if f.second || !changes.params && !changes.config {
		f.mu.Unlock()
		return nil
	}
	in := api.UpsertInput{Name: pos.Run, Project: pos.Project, Entity: pos.Entity}
	all := u.params(f.state.Run, pos)
	if changes.params {
		in = all
	}
	u.told.news(&in, all)
	in.Config = u.configText(pos)
	f.mu.Unlock()
	bucket, err := untilReached(ctx, u, func() (*api.Bucket, error) { return u.once.UpsertBucket(ctx, in) })
	if err != nil {
		return fmt.Errorf("update run %s: %w", describe(pos), err)
	}
	u.mu.Lock()
	renamed := bucket.DisplayName != "" && bucket.DisplayName != u.identity.DisplayName
	if renamed {
		u.identity.DisplayName, u.pos.Name = bucket.DisplayName, bucket.DisplayName
	}
	identity := u.identity
	u.mu.Unlock()
	if renamed {
		u.o.OnIdentity(identity)
	}
	return nil
}

// alertDone and artifactDone keep in the position what must not be done twice.
func (u *Uploader) alertDone(origin string) {
	u.note(func(p *position) { p.Alerts = append(p.Alerts, origin) })
}

func (u *Uploader) artifactDone(origin string) {
	u.note(func(p *position) { p.Artifacts = append(p.Artifacts, origin) })
}

// note changes the position and saves it. An upload that cannot keep its
// position goes on: after a crash it would repeat what the server has, at the
// same place.
func (u *Uploader) note(change func(*position)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(u.pos)
	if err := u.pos.save(u.path); err != nil {
		u.o.Logger.Error("the position of the upload is not saved", "error", err)
	}
}
