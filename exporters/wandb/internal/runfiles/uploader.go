package runfiles

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// A Client is what an Uploader needs of a server; *api.Client is one. Both
// methods repeat what may pass by themselves.
type Client interface {
	CreateRunFiles(ctx context.Context, entity, project, run string, names []string) (*api.UploadURLs, error)
	Put(ctx context.Context, signed string, headers []string, body io.ReaderAt, size int64) (etag string, err error)
}

var _ Client = (*api.Client)(nil)

// MaxParallel bounds Options.Parallel.
const MaxParallel = 128

// Options say what is stored where.
type Options struct {
	Client               Client
	Entity, Project, Run string
	Root                 *os.Root          // holds the files of the run; stays the caller's, open until Finish returned
	Ignore               []string          // patterns of path.Match for names that are not stored
	Done                 map[string]string // hex MD5 of what the server has already, by name
	Parallel             int               // transfers at once, up to MaxParallel; 0 means 16
	Delay                time.Duration     // how long Run collects files for one request; 0 means 5 s
	Poll                 time.Duration     // how often Run looks for changes of live files; 0 means 5 s
	Retry                api.RetryPolicy   // waits between batches that an outage stopped; zero means api.StreamRetry
	Logger               *slog.Logger      // nil for silence

	// Uploaded is called when the server has a file, with its hex MD5. Dropped
	// is called when a file will not be sent. Both are called from several
	// goroutines, without locks held, and may be nil.
	Uploaded func(name, md5 string)
	Dropped  func(name string, err error)
}

// A Policy says when a file is stored. The numbers are those of the log.
type Policy int32

// The policies.
const (
	Now  Policy = iota // once, now
	End                // when the run ends
	Live               // now, after each change, and when the run ends
)

// Counts tell what became of files. A file counts each time that it has to be
// sent; Offered is always Sent + Dropped + Pending().
type Counts struct {
	Offered, Sent, Dropped int64

	Unchanged int64 // of Sent: the server had the same bytes
	Missing   int64 // of Dropped: there was no such file
	Refused   int64 // of Dropped: names and files that must not be sent
	Unsteady  int64 // changed while they were sent, each time
	Bytes     int64 // of the files sent
}

// Pending returns how many files wait or are on their way.
func (c Counts) Pending() int64 { return c.Offered - c.Sent - c.Dropped }

// ErrFinished says that a file came after Finish.
var ErrFinished = errors.New("files are finished")

// An Uploader stores files. Its methods can be called from any goroutine.
type Uploader struct {
	o         Options
	slots     chan struct{} // a token for each transfer under way
	wake      chan struct{} // the queue has something new
	finishing chan struct{} // closed by Finish
	tasks     sync.WaitGroup

	mu       sync.Mutex // guards all below
	files    map[string]*file
	queue    []*file
	counts   Counts
	finished bool
	failures int                // batches in a row that an outage stopped
	err      error              // of the last of them
	running  chan struct{}      // closed when Run returns; nil without Run
	stop     context.CancelFunc // ends Run's transfers
}

// New returns an Uploader. It does nothing before Run or Finish is called.
func New(o Options) *Uploader {
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	if o.Delay <= 0 {
		o.Delay = 5 * time.Second
	}
	if o.Poll <= 0 {
		o.Poll = 5 * time.Second
	}
	if o.Retry == (api.RetryPolicy{}) {
		o.Retry = api.StreamRetry
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Uploader{
		o:         o,
		slots:     make(chan struct{}, min(o.Parallel, MaxParallel)),
		wake:      make(chan struct{}, 1),
		finishing: make(chan struct{}),
		files:     map[string]*file{},
	}
}

// Add takes a file below the root. An error means that it will not be sent: it
// is dropped for its name, or came after Finish. Names that Options.Ignore has
// are left out in silence.
func (u *Uploader) Add(name string, p Policy) error { return u.AddAs(name, "", p) }

// AddAs is Add for a file that the run has under a name while its bytes are at
// another place. source is opened as it is.
func (u *Uploader) AddAs(name, source string, p Policy) error {
	clean, err := cleanName(name)
	if err != nil {
		u.mu.Lock()
		u.counts.Offered++
		u.mu.Unlock()
		u.drop(name, err)
		return err
	}
	if u.ignored(clean) {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.finished {
		return ErrFinished
	}
	f := u.files[clean]
	if f == nil {
		f = &file{name: clean, md5: u.o.Done[clean]}
		u.files[clean] = f
	}
	f.source = source
	f.live = f.live || p == Live
	if p == End {
		u.hold(f)
	} else {
		u.enqueue(f)
	}
	return nil
}

// Counts returns the present counts.
func (u *Uploader) Counts() Counts {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.counts
}

// drop gives up an offered file.
func (u *Uploader) drop(name string, err error) {
	u.mu.Lock()
	u.counts.Dropped++
	switch {
	case errors.Is(err, os.ErrNotExist):
		u.counts.Missing++
	case errors.Is(err, ErrRefused):
		u.counts.Refused++
	}
	u.mu.Unlock()
	u.o.Logger.Error("file not sent", slog.String("name", name), slog.Any("error", err))
	if u.o.Dropped != nil {
		u.o.Dropped(name, err)
	}
}
