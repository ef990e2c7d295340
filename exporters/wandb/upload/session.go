package upload

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/filestream"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// session reads the logs from the start and sends what the server lacks.
func (u *Uploader) session(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := u.load(); err != nil {
		return err
	}
	f := newFeed()
	f.limit = u.limit
	u.mu.Lock()
	u.feed, u.cutBytes = f, 0
	u.mu.Unlock()
	u.logs = sources{dir: u.o.Dir}
	defer u.logs.close()
	defer u.countRest()
	if !u.o.Live {
		u.logs.finish()
	}
	if done, err := u.begin(ctx); done || err != nil {
		return err
	}
	defer u.files.close()

	errs := make(chan error, 4)
	go func() { errs <- u.readAll(ctx) }()
	go func() { errs <- u.tasks.run(ctx) }()
	go func() { errs <- u.files.run(ctx) }()
	go func() { errs <- u.transmit(ctx) }()
	var first error
	for range cap(errs) {
		if err := <-errs; err != nil && first == nil {
			first = err
			cancel(err)
		}
	}
	return first
}

func newFeed() *feed {
	return &feed{
		state: runlog.NewState(), batch: new(filestream.Batch),
		rows: rowMaker{lastStep: -1},
		mark: Mark{Sources: map[string]int64{}, LastStep: -1},
		pace: make(chan struct{}, 1), space: make(chan struct{}, 1),
	}
}

// load reads the position, if there is one for this place.
func (u *Uploader) load() error {
	pos, err := readPosition(u.path)
	if errors.Is(err, errPosition) {
		u.o.Logger.Warn("the position of the upload cannot be read: the server is asked what it has", "error", err)
		pos, err = nil, nil
	}
	if err != nil {
		return err
	}
	if pos != nil && !u.same(pos) {
		u.o.Logger.Info("the run goes to another place now and is sent from its start", "was", pos.Server+"/"+pos.Entity+"/"+pos.Project+"/"+pos.Run)
		pos = nil
	}
	if u.creating = pos != nil && pos.Creating; u.creating {
		pos = nil
	}
	u.mu.Lock()
	u.pos = pos
	u.mu.Unlock()
	return nil
}

// same says whether a position is about the place that the options name.
func (u *Uploader) same(p *position) bool {
	differs := func(want, have string) bool { return want != "" && want != have }
	return p.Server == u.o.Client.BaseURL() && !differs(u.o.Entity, p.Entity) && !differs(u.o.Project, p.Project) && !differs(u.o.RunID, p.Run)
}

// readAll feeds the records: first those that the server has, then those of the
// request that was in flight, then all others.
func (u *Uploader) readAll(ctx context.Context) error {
	f := u.feed
	for name, to := range f.acked {
		if s := u.logs.find(name); s != nil {
			if _, err := u.drain(ctx, s, to); err != nil {
				return err
			}
		}
	}
	u.replayed()
	if err := u.repeat(ctx); err != nil {
		return err
	}
	for {
		final := u.isFinal()
		if final && !u.logs.complete {
			u.logs.finish()
		}
		moved, err := u.pass(ctx)
		if err != nil {
			return err
		}
		if final && !moved {
			break
		}
		if !moved && !final {
			u.rest(ctx)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	f.mu.Lock()
	f.ended = true
	f.screen.End()
	f.mu.Unlock()
	signal(f.pace)
	return nil
}

func (u *Uploader) isFinal() bool {
	if !u.o.Live || u.o.UntilExit && u.feed.hasExit() {
		return true
	}
	select {
	case <-u.final:
		return true
	default:
		return false
	}
}

// rest waits until there may be something new.
func (u *Uploader) rest(ctx context.Context) {
	signal(u.feed.pace)
	t := time.NewTimer(u.o.Poll)
	defer t.Stop()
	select {
	case <-u.wake:
	case <-u.final:
	case <-t.C:
	case <-ctx.Done():
	}
}

// pass reads each log to its end. moved: there was something.
func (u *Uploader) pass(ctx context.Context) (moved bool, err error) {
	if err := u.logs.refresh(); err != nil {
		return false, err
	}
	for _, s := range u.logs.list {
		if s.folded {
			continue
		}
		some, err := u.drain(ctx, s, math.MaxInt64)
		if err != nil {
			return moved, err
		}
		moved = moved || some
	}
	return moved, nil
}

// drain feeds the records of one log up to number to.
func (u *Uploader) drain(ctx context.Context, s *source, to int64) (moved bool, err error) {
	for {
		from := s.tail.End()
		rec, ok, err := s.peek()
		if err != nil {
			return moved, fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, err)
		}
		if !ok || rec.num > to {
			return moved, nil
		}
		if err := u.feed.add(ctx, s, rec); err != nil {
			return moved, context.Cause(ctx)
		}
		s.pop()
		moved = true
		if !s.folded {
			size := s.tail.End() - from
			if size < 0 { // another file has taken the log's place
				size = int64(len(rec.payload))
			}
			u.feed.mu.Lock()
			u.feed.read += size
			u.feed.mu.Unlock()
		}
	}
}

// replayed notes that everything the server has was read.
func (u *Uploader) replayed() {
	f := u.feed
	f.mu.Lock()
	if f.resend {
		f.resend = false
	} else {
		f.screen.Settle()
	}
	f.replayed = true
	offered, read := f.offered, f.read
	f.changes.summary = f.changes.summary || offered.rows > 0
	for name, num := range f.acked {
		f.mark.Sources[name] = max(f.mark.Sources[name], num)
	}
	f.mu.Unlock()
	u.mu.Lock()
	u.acked, u.ackBytes = offered, read
	u.mu.Unlock()
}

// repeat makes the batch of the request that was in flight when an upload
// ended, out of the same records.
func (u *Uploader) repeat(ctx context.Context) error {
	u.mu.Lock()
	spans := u.pos.Intent
	u.mu.Unlock()
	for _, sp := range spans {
		s, err := u.logs.get(sp.Source)
		if err != nil {
			return fmt.Errorf("upload run %s: the log %q is gone: %w", u.o.Dir.RunID, sp.Source, err)
		}
		if _, err := u.drain(ctx, s, sp.To); err != nil {
			return err
		}
	}
	if len(spans) > 0 {
		u.feed.mu.Lock()
		u.feed.sealed = true
		u.feed.mu.Unlock()
		signal(u.feed.pace)
	}
	return nil
}

// post sends one request of the file stream.
func (u *Uploader) post(ctx context.Context, body []byte) (*api.StreamReply, error) {
	id := u.Identity()
	reply, err := u.o.Client.FileStream(ctx, id.Entity, id.Project, id.RunID, body)
	if err == nil {
		u.answered()
	}
	return reply, err
}

// Identity is what the server calls the run; empty before it has answered.
func (u *Uploader) Identity() Identity {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.identity
}
