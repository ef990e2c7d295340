package upload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/filestream"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// Uploader sends one run. Make it with New, then call Run once.
type Uploader struct {
	o     Options
	once  *api.Client // Options.Client, but every failure is seen here
	path  string      // of the position
	limit int         // bytes of lines of one request, about
	wake  chan struct{}

	final     chan struct{} // closed by Finish: the logs are complete
	finalOnce sync.Once
	begun     chan struct{} // closed when Run was called
	done      chan struct{} // closed when Run returns
	cancel    context.CancelCauseFunc

	feed   *feed
	logs   sources
	sender *filestream.Sender
	tasks  tasks
	files  *runFiles

	creating bool  // an earlier upload ended while it made the run
	told     facts // that the server knows; the one who sends changes uses it

	mu       sync.Mutex // guards what follows
	pos      *position
	identity Identity
	started  bool
	acked    offered // of what was offered, what the server has or will never have
	ackBytes int64   // counted from where the session began to read
	cutBytes int64   // that were read in this session and taken off the log since
	reached  bool
	lastErr  error
	stopped  bool
	report   Report
	err      error
}

// New checks o. It reads nothing yet.
func New(o Options) (*Uploader, error) {
	if o.Dir == nil || o.Client == nil {
		return nil, errors.New("upload run: directory and client are required")
	}
	switch o.Resume {
	case "", "must", "allow", "never", "auto":
	default:
		return nil, fmt.Errorf("upload run %s: resume %q: want must, allow, never or auto", o.Dir.RunID, o.Resume)
	}
	if o.RunID != "" {
		if err := runlog.CheckID(o.RunID); err != nil {
			return nil, err
		}
	}
	o.withDefaults()
	return &Uploader{
		o: o, once: o.Client.Once(), path: PositionPath(o.Dir), limit: o.MaxBatch,
		wake: make(chan struct{}, 1), final: make(chan struct{}), begun: make(chan struct{}), done: make(chan struct{}),
	}, nil
}

// Run sends the run and returns when all of it was sent, when ctx ends, or
// when the server makes it hopeless. The position is safe at any moment: a
// later upload goes on where this one stopped. With Options.Live it returns
// only after Finish, or with ctx.
func (u *Uploader) Run(ctx context.Context) (Report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	u.mu.Lock()
	if u.started {
		u.mu.Unlock()
		return Report{}, errors.New("upload run: Run was called twice")
	}
	u.started, u.cancel = true, cancel
	u.mu.Unlock()
	close(u.begun)
	err := u.run(ctx)
	report := u.conclude(&err)
	u.mu.Lock()
	u.report, u.err = report, err
	u.mu.Unlock()
	close(u.done)
	return report, err
}

// run holds the lock of the upload.
func (u *Uploader) run(ctx context.Context) error {
	unlock, err := runlog.LockFile(u.path + ".lock")
	if errors.Is(err, runlog.ErrLocked) {
		return fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, err)
	}
	defer unlock()
	for {
		err := u.session(ctx)
		if !errors.Is(err, errAgain) {
			return err
		}
	}
}

// errAgain asks for a new session from the position as it is now.
var errAgain = errors.New("the upload starts again")

// Wake says that there is something new in the log. It is cheap and never
// blocks.
func (u *Uploader) Wake() { signal(u.wake) }

// Finish says that the log is complete and waits until everything is sent,
// but not longer than ctx, and not longer than Options.Unreached when the
// server has never answered. What is left stays in the directory. It returns
// what Run returns, after that. Run may be called a little later than Finish.
func (u *Uploader) Finish(ctx context.Context) (Report, error) {
	u.finalOnce.Do(func() { close(u.final) })
	select {
	case <-u.begun:
	case <-time.After(u.o.Unreached):
		return Report{}, errors.New("finish upload: Run was not called")
	}
	u.mu.Lock()
	cancel := u.cancel
	u.mu.Unlock()
	unreached := time.NewTimer(u.o.Unreached)
	defer unreached.Stop()
	for waiting := true; waiting; {
		select {
		case <-u.done:
			waiting = false
		case <-ctx.Done():
			cancel(ErrUnsent)
			waiting = false
		case <-unreached.C:
			if !u.Account().Reached {
				cancel(ErrUnsent)
				waiting = false
			}
		}
	}
	<-u.done
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.report, u.err
}

// Account says how the upload fares now.
func (u *Uploader) Account() Account {
	u.mu.Lock()
	a := Account{Reached: u.reached, LastError: u.lastErr}
	acked, bytes := u.acked, u.ackBytes-u.cutBytes
	var dropped Dropped
	if u.pos != nil {
		dropped = u.pos.lost()
		a.StepsMoved = u.pos.Moved
	}
	f, files, tasks := u.feed, u.files, u.tasks
	u.mu.Unlock()
	a.PendingBytes = max(0, logBytes(u.o.Dir)-bytes)
	if f == nil {
		return a
	}
	f.mu.Lock()
	offered, replayed := f.offered, f.replayed
	f.mu.Unlock()
	if !replayed {
		return a
	}
	a.Rows = Tally{offered.rows, acked.rows - dropped.Rows, dropped.Rows}
	a.Samples = Tally{offered.samples, acked.samples - dropped.Samples, dropped.Samples}
	a.Texts = Tally{Offered: offered.texts, Sent: acked.texts}
	a.Alerts, a.Artifacts = tasks.tallies()
	if files != nil {
		a.Files = files.tally()
	}
	return a
}

// logBytes is the size of a run's logs.
func logBytes(dir *runlog.Dir) (size int64) {
	paths := []string{dir.LogPath()}
	parts, _ := dir.Parts()
	for _, path := range parts {
		paths = append(paths, path)
	}
	for _, path := range paths {
		if st, err := os.Stat(path); err == nil {
			size += st.Size()
		}
	}
	return size
}

// conclude makes the report, and an error of what was left.
func (u *Uploader) conclude(err *error) Report {
	r := Report{Account: u.Account()}
	u.mu.Lock()
	defer u.mu.Unlock()
	r.Identity = u.identity
	if u.pos != nil {
		r.Complete = u.pos.Complete && *err == nil
	}
	r.Already = u.report.Already
	if errors.Is(*err, context.Canceled) || errors.Is(*err, context.DeadlineExceeded) {
		*err = fmt.Errorf("upload run %s: %w: %w", u.o.Dir.RunID, ErrUnsent, *err)
	}
	return r
}

// trouble notes a request that failed.
func (u *Uploader) trouble(err error, _ time.Duration) {
	u.mu.Lock()
	first := u.lastErr == nil
	u.lastErr = err
	u.mu.Unlock()
	if first {
		u.o.Logger.Warn("upload waits: the server cannot be reached or does not answer well", "run", u.o.Dir.RunID, "error", err)
	}
}

// answered notes that the server has answered.
func (u *Uploader) answered() {
	u.mu.Lock()
	again := u.lastErr != nil
	u.reached, u.lastErr = true, nil
	u.mu.Unlock()
	if again {
		u.o.Logger.Log(context.Background(), slog.LevelInfo, "upload goes on", "run", u.o.Dir.RunID)
	}
}
