package runlog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// member is one of the logs that are joined.
type member struct {
	dir     *Dir
	key     string // names the writer: equal in every copy of its directory
	label   string
	first   *wandbpb.RunRecord // as it was written
	control *wandbpb.Control   // of that record
	state   *State
	exit    *wandbpb.RunExitRecord
	start   float64 // of the run, as this writer says, in seconds since 1970
	shift   float64 // added to _runtime, so that all count from one start
	sent    bool
	seen    int64 // records
	last    int64 // number of the newest record that may have to be taken
	step    int64 // the highest
	rows    int64
	spoke   bool            // there is console text
	inside  bool            // a client of its own in a command that the main writer is around
	client  bool            // the client whose run this is: its names count
	taken   int64           // records up to this number are in the main log already
	has     map[string]bool // metrics, environment, telemetry that it defines
	size    int64           // of the log
}

// inspectAll looks at each directory once, several at a time.
func inspectAll(dirs []*Dir) ([]*member, error) {
	if len(dirs) == 0 {
		return nil, fmt.Errorf("join: %w: there is none", ErrNotOneRun)
	}
	var todo []*Dir
	seen := map[string]bool{}
	for _, dir := range dirs {
		if dir.Run() != dirs[0].Run() {
			return nil, fmt.Errorf("join %s and %s: %w", dirs[0].Path, dir.Path, ErrNotOneRun)
		}
		path, err := filepath.EvalSymlinks(dir.Path)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			return nil, fmt.Errorf("join: %w", err)
		}
		if !seen[path] {
			seen[path] = true
			todo = append(todo, dir)
		}
	}
	members, errs := make([]*member, len(todo)), make([]error, len(todo))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(len(todo), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(todo); i = int(next.Add(1)) - 1 {
				members[i], errs[i] = inspect(todo[i])
			}
		})
	}
	workers.Wait()
	return members, errors.Join(errs...)
}

// inspect ends the log of dir, if it was not, and reads it once.
func inspect(dir *Dir) (*member, error) {
	for {
		m := &member{dir: dir, step: -1, sent: dir.sent(), has: map[string]bool{}}
		r := repair{dir: dir, state: NewState(), look: m.see}
		if err := r.run(); err != nil {
			return nil, fmt.Errorf("join %s: %w", dir.Path, err)
		}
		if r.report.LiveParts > 0 {
			return nil, fmt.Errorf("join %s: a part of the run: %w", dir.Path, ErrLocked)
		}
		if r.report.Changed { // what repair has added was not seen
			continue
		}
		m.state, m.exit = r.state, r.exit
		return m, m.identify()
	}
}

// see is shown every record of the log.
func (m *member) see(rec *wandbpb.Record) {
	m.seen++
	num := rec.GetNum()
	if num <= 0 { // old writers do not number
		num = m.seen
	}
	switch t := rec.GetRecordType().(type) {
	case *wandbpb.Record_Exit, *wandbpb.Record_Final, *wandbpb.Record_Footer, *wandbpb.Record_Summary, nil:
		return // worked out anew
	case *wandbpb.Record_Run:
		if m.first == nil {
			m.first, m.control = proto.Clone(t.Run).(*wandbpb.RunRecord), rec.GetControl()
		}
	case *wandbpb.Record_OutputRaw:
		m.spoke = true
	case *wandbpb.Record_History:
		m.rows++
		m.step = max(m.step, stepOf(t.History))
	default:
		if what := definedBy(rec); what != "" {
			m.has[what] = true
		}
	}
	m.last = max(m.last, num)
}

// definedBy names what a record says of the run as a whole; "" for others.
func definedBy(rec *wandbpb.Record) string {
	switch t := rec.GetRecordType().(type) {
	case *wandbpb.Record_Metric:
		return "metric " + t.Metric.GetName() + t.Metric.GetGlobName()
	case *wandbpb.Record_Environment:
		return "environment"
	case *wandbpb.Record_Telemetry:
		return "telemetry"
	}
	return ""
}

func (m *member) identify() error {
	if m.first == nil {
		m.first = &wandbpb.RunRecord{RunId: m.dir.RunID}
	}
	m.start = seconds(m.state.Run.GetStartTime())
	m.key = m.first.GetWriter().GetId()
	if m.key == "" {
		sum := sha256.Sum256([]byte(m.first.GetRunId() + m.first.GetHost() + m.control.GetMailboxSlot() +
			strconv.FormatFloat(m.start, 'f', 9, 64)))
		m.key = hex.EncodeToString(sum[:16])
	}
	m.label = m.first.GetWriter().GetLabel()
	if joined := m.state.Run.GetJoined(); len(joined) > 0 {
		m.label = joined[0].GetLabel()
	}
	st, err := os.Stat(m.dir.LogPath())
	if err != nil {
		return fmt.Errorf("join %s: %w", m.dir.Path, err)
	}
	m.size = st.Size()
	return nil
}

// joined lists the writers whose logs are in this member's; nil if it was never
// joined.
func (m *member) joined() []*wandbpb.Writer { return m.state.Run.GetJoined() }
