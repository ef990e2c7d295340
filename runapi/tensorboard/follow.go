package tensorboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// ErrUnread is in the error of a run's Finish that had no time to wait until the
// event files were read to their ends: the run has the files, and not all rows.
var ErrUnread = errors.New("the event files were not read to their ends")

// Options say how a directory is followed. The zero value works.
type Options struct {
	// Since leaves files alone whose names say that they were made before. Zero
	// is the start of the run; time.Unix(0, 0) takes every file that is there.
	Since time.Time
	// NoFiles keeps event files from becoming files of the run.
	NoFiles bool
	// Label is what rows call their writer when the program logs rows too:
	// letters, digits, - and _; default tensorboard. Two directories of one run need
	// two labels.
	Label string
	// Poll is the time between looks at the files; default 1 s. New files and
	// directories are looked for every fifth time.
	Poll time.Duration
}

// Counters say what became of what was found.
type Counters struct {
	Files        int64 // followed
	Older        int64 // left alone: made before Options.Since
	Rows         int64 // stored
	Values       int64 // in these
	Skipped      int64 // values of kinds that are not taken, or that make no sense
	Refused      int64 // values that the run did not take; each was a warning to its logger
	Corrupt      int64 // places in files where a checksum was wrong or a record was no event
	CorruptBytes int64 // skipped there
	Restarts     int64 // files that were replaced or cut, and read again
	Unread       int64 // bytes at the ends of files: a record that is not complete
}

// Follower follows a directory. Its methods are safe for concurrent use.
type Follower struct {
	run    *runapi.Run // our writer
	root   string
	opt    Options
	logger *slog.Logger
	warned map[string]bool // by message and subject

	finder finder
	files  []*file
	dirs   map[string]*rows // by prefix
	before history          // what an earlier follower of this run has stored
	now    Counters         // like all above, of the goroutine

	end   sync.Once
	last  chan struct{} // closed for a last pass
	done  chan struct{} // closed when the goroutine has ended
	hurry atomic.Bool   // no more passes

	mu    sync.Mutex // guards shown
	shown Counters
}

// Follow brings the event files in and below dir into run until Close, the run's
// Finish, or the end of ctx, whichever comes first; Finish and Close take first
// what is there to be read. The directory need not be there yet. Nothing happens
// for a nil or a disabled run. Errors are those of run.Writer, and about dir.
func Follow(ctx context.Context, run *runapi.Run, dir string, o Options) (*Follower, error) {
	f := &Follower{opt: o, last: make(chan struct{}), done: make(chan struct{}), dirs: map[string]*rows{}, warned: map[string]bool{}}
	if run.Dir() == "" {
		close(f.done)
		return f, nil
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("follow %q: %w", dir, err)
	}
	if st, err := os.Stat(root); err == nil && !st.IsDir() {
		return nil, fmt.Errorf("follow %s: not a directory", root)
	}
	if strings.ContainsFunc(o.Label, notLabel) || len(o.Label) > 64 {
		return nil, fmt.Errorf("follow %s: label %.80q: want at most 64 letters, digits, - and _", root, o.Label)
	}
	f.root, f.logger = root, cmp.Or(run.Settings().Logger, slog.New(slog.DiscardHandler))
	f.opt.Label, f.opt.Poll = cmp.Or(o.Label, "tensorboard"), cmp.Or(o.Poll, time.Second)
	f.finder = finder{root: root, since: f.since(run), known: map[string]bool{}}
	f.finder.skip, _ = os.Stat(filepath.Dir(run.Dir()))
	if f.before, err = earlier(run.Dir(), f.opt.Label); err != nil {
		return nil, fmt.Errorf("follow %s: %w", root, err)
	}
	if f.run, err = run.Writer(f.opt.Label); err != nil {
		return nil, fmt.Errorf("follow %s: %w", root, err)
	}
	if err := run.OnFinish(f.finish); err != nil {
		return nil, fmt.Errorf("follow %s: %w", root, errors.Join(err, f.run.Finish(0)))
	}
	go f.loop(ctx)
	return f, nil
}

func notLabel(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
}

// since is when the oldest file that is taken was made. Names have whole seconds.
func (f *Follower) since(run *runapi.Run) time.Time {
	since := f.opt.Since
	if since.IsZero() {
		since = run.StartTime()
	}
	return time.Unix(since.Unix(), 0)
}

// Close takes what is there to be read, waits until it is stored, and ends the
// follower. The error says what was not stored. After the first call it waits
// for nothing more than that one does.
func (f *Follower) Close() error { return f.finish(context.Background()) }

// finish is Close for somebody who does not wait longer than ctx.
func (f *Follower) finish(ctx context.Context) error {
	f.end.Do(func() { close(f.last) })
	select {
	case <-f.done:
	case <-ctx.Done():
		f.hurry.Store(true)
		select {
		case <-f.done:
		case <-time.After(hurryGrace): // a file system that does not answer
		}
		return fmt.Errorf("follow %s: %w: %w", f.root, ErrUnread, ctx.Err())
	}
	if err := f.run.Finish(0); err != nil && !errors.Is(err, runapi.ErrFinished) {
		return fmt.Errorf("follow %s: %w", f.root, err)
	}
	return nil
}

// hurryGrace is how long a pass may take to notice that it is to end.
const hurryGrace = 100 * time.Millisecond

// Counters returns the account as it was after the last pass.
func (f *Follower) Counters() Counters {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shown
}

// loop follows until the last pass.
func (f *Follower) loop(ctx context.Context) {
	defer close(f.done)
	unhook := context.AfterFunc(ctx, func() { f.hurry.Store(true) })
	defer unhook()
	tick := time.NewTicker(f.opt.Poll)
	defer tick.Stop()
	const findEvery = 5
	for n := 0; ; n++ {
		f.pass(n%findEvery == 0)
		select {
		case <-tick.C:
			continue
		case <-f.last:
			f.pass(true)
		case <-ctx.Done():
		}
		f.settle(0)
		f.show()
		return
	}
}

// pass reads what has come.
func (f *Follower) pass(find bool) {
	if find {
		for _, path := range f.finder.find(f.stopped) {
			f.files = append(f.files, newFile(path, f.rowsOf(path)))
			f.save(path)
		}
	}
	var changed []*file
	for _, x := range f.files {
		more, err := x.look()
		if err != nil {
			f.warn("event file not read", "file", x.path, "error", err)
		}
		if more {
			changed = append(changed, x)
		}
	}
	f.merge(changed)
	f.settle(settleAfter)
	f.show()
}

func (f *Follower) stopped() bool { return f.hurry.Load() }

// save makes an event file a file of the run.
func (f *Follower) save(path string) {
	if f.opt.NoFiles {
		return
	}
	_, err := f.run.Save(path, runapi.SaveOptions{Base: f.root, Policy: runapi.SaveEnd, Literal: true})
	if err != nil {
		f.warn("event file not saved", "file", path, "error", err)
	}
}

// warn tells the run's logger, once for each subject.
func (f *Follower) warn(what string, args ...any) {
	id := fmt.Sprint(what, args[1])
	if !f.warned[id] {
		f.warned[id] = true
		f.logger.Warn(what, args...)
	}
}

// show makes the account public.
func (f *Follower) show() {
	c := f.now
	c.Files, c.Older = int64(len(f.files)), f.finder.older
	for _, x := range f.files {
		c.Corrupt += x.scan.bad.records + x.lostBefore.records + x.broken
		c.CorruptBytes += x.scan.bad.bytes + x.lostBefore.bytes
		c.Restarts += x.restarts
		c.Unread += x.rest()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shown = c
}
