package runapi

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/perstep"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Run is a run that goes on. Init makes it. All methods are safe for
// concurrent use and on a nil *Run.
type Run struct {
	set       Settings // effective; never changed after Init
	off       bool     // mode disabled
	dir       *runlog.Dir
	log       *runlog.Writer
	mask      *redact.Redactor
	clock     sample.Clock // never re-anchored: the run's time does not jump
	start     int64        // Clock time of the run's start
	before    float64      // seconds used by earlier processes of the run
	notice    string
	continued bool // the log was begun by an earlier process
	hw        *hardware
	meter     *perstep.Meter         // nil: rows tell nothing of the hardware
	writer    string                 // writer id
	base      int64                  // step of the run at which this log begins; never changed after Init
	client    *api.Client            // nil: the run is kept
	kept      error                  // why an online run is kept
	link      atomic.Pointer[uplink] // set by Init; nil: the run is kept
	locked    map[string]any         // config values that a sweep chose; never changed after Init

	keyMu sync.RWMutex // guards keys
	keys  keyTable

	out, err console   // standard output and error; each has its own lock
	lines    outputLog // files/output.log

	// Counted outside mu, so that Counters answers while a write hangs.
	rows, refused, moved atomic.Int64
	parts                atomic.Pointer[runlog.OpenSteps] // nil until a step stays open; set with mu held
	trimmed              atomic.Int64                     // rows taken off the log before the server had them

	saveMu  sync.Mutex // guards saves and watches; held while files are linked or copied
	saves   map[string]*saved
	watches []*saveWatch

	claims claims // of media files; has its own lock

	valueWatch valueWatchers // has its own lock

	logMu  sync.Mutex                 // guards logged and made
	logged map[string]*LoggedArtifact // by client id: the server has not said what became of them
	made   []*wandbpb.ArtifactRecord  // versions of a run that is kept

	ctx    context.Context // see Context
	cancel context.CancelCauseFunc
	ended  chan struct{}  // closed when Finish has done all it does
	stop   chan struct{}  // closed by Finish: ends background
	back   sync.WaitGroup // background and probes

	mu           sync.Mutex // guards all below
	state        *runlog.State
	finished     bool
	step         int64 // from 0 in each log; see base
	isOpen       bool  // open holds a step that was not stored yet
	open         values
	openAt       int64      // Clock time of the last call that added to open
	serial       uint64     // of the row being put together; see metricKey.serial
	row          runlog.Row // scratch of store
	frame        sample.Frame
	features     wandbpb.Feature
	renamed      bool                 // by SetName
	noted        bool                 // by SetNotes
	adopted      map[string]*adoption // parts of embedded programs whose names the run takes
	openPath     string               // side file of a program inside another run
	mediaWatches []*mediaWatch
	codePath     string // name of the artifact that has the run's code; "" is none
	watchers     watchers
	once         map[string]string // by key, the JSON that SetOnce stored last
	wakeAt       int64             // size of the log at which the upload is told that it has grown
	trimAt       int64             // size at which the log is made smaller; below Settings.MaxLogBytes: that

	asked     chan struct{} // closed when somebody asks the run to stop
	askOnce   sync.Once
	hooks     []func(context.Context) error // of OnFinish; with mu
	finishing bool                          // Finish was called; with mu
}

// ID returns the run id; "" for a nil run.
func (r *Run) ID() string {
	if r == nil {
		return ""
	}
	return r.set.ID
}

// Project returns the project the run belongs to.
func (r *Run) Project() string {
	if r == nil {
		return ""
	}
	return cmp.Or(r.link.Load().identity().Project, r.set.Project)
}

// Entity returns the user or team; "" is the server's default, as long as it has
// not said which that is.
func (r *Run) Entity() string {
	if r == nil {
		return ""
	}
	return cmp.Or(r.link.Load().identity().Entity, r.set.Entity)
}

// Path returns entity/project/id, without the entity when it is not known.
func (r *Run) Path() string {
	if r == nil {
		return ""
	}
	path := r.Project() + "/" + r.set.ID
	if entity := r.Entity(); entity != "" {
		path = entity + "/" + path
	}
	return path
}

// Mode returns the mode that was asked for; ModeDisabled for a nil run.
func (r *Run) Mode() Mode {
	if r == nil {
		return ModeDisabled
	}
	return r.set.Mode
}

// Notice returns what the user should be told about where the run is and how
// to send it, when it is not where Settings.Mode wants it; "" otherwise. The package never prints it.
func (r *Run) Notice() string {
	if r == nil {
		return ""
	}
	return r.notice
}

// Dir returns the run directory; "" when disabled.
func (r *Run) Dir() string {
	if r == nil || r.off {
		return ""
	}
	return r.dir.Path
}

// FilesDir returns the directory of the run's files; "" when disabled.
func (r *Run) FilesDir() string {
	if r == nil || r.off {
		return ""
	}
	return r.dir.FilesDir()
}

// StartTime returns when the run began, by the wall clock of that moment.
func (r *Run) StartTime() time.Time {
	if r == nil || r.off {
		return time.Time{}
	}
	return r.clock.Wall(r.start)
}

// Step returns the step that the next row belongs to.
func (r *Run) Step() int64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.base + r.step
}

// Settings returns the settings as Init made them effective: a copy whose lists
// are the caller's, with Environ and ExtraHeaders left out. Names that changed
// since are those of Name, Notes and Tags.
func (r *Run) Settings() Settings {
	if r == nil {
		return Settings{Mode: ModeDisabled}
	}
	s := r.set
	s.Environ, s.ExtraHeaders = nil, nil
	for _, list := range []*[]string{&s.Tags, &s.DiskPaths, &s.IgnoreGlobs, &s.Args} {
		*list = slices.Clone(*list)
	}
	s.Outputs = slices.Clone(s.Outputs)
	return s
}

// Counters say what became of what was logged.
type Counters struct {
	Rows    int64 // history rows stored
	Refused int64 // calls of Log and LogRow that returned an error
	Moved   int64 // rows, counted in Rows, that came late and got another step: Settings.KeepLate
	Dropped int64 // records the log refused because it could take no more
	Pending int64 // records accepted and not yet in the kernel: the directory stalls or is full
	Failing bool  // the last write to the run directory failed; it is tried again
	Trimmed int64 // rows taken off the log at Settings.MaxLogBytes before the server had them
	Samples int64 // hardware frames that were lost before they reached the log
}

// Counters returns the account as it is now. It answers while a write hangs.
func (r *Run) Counters() Counters {
	if r == nil || r.off {
		return Counters{}
	}
	c := r.log.Counters()
	n := Counters{Rows: r.rows.Load(), Refused: r.refused.Load(), Moved: r.moved.Load(), Trimmed: r.trimmed.Load(), Dropped: c.DroppedRecords, Pending: c.PendingRecords, Failing: c.Failing}
	if parts := r.parts.Load(); parts != nil {
		p := parts.Counters()
		n.Pending += p.PendingRecords
		n.Dropped += p.DroppedRecords
		n.Failing = n.Failing || p.Failing
	}
	n.Samples = r.hw.lost()
	return n
}
