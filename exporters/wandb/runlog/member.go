package runlog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"

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
	taken   int64           // records up to this number are in the main log already
	has     map[string]bool // metrics, environment, telemetry that it defines
	size    int64           // of the log
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

// order puts the log to join into first: one that was joined or sent before,
// since that must stay, then the lowest rank, then one of ours (exec around a
// program that keeps a log of its own), then the oldest.
func (m *member) order(o *member) int {
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	a, b := m.first.GetWriter(), o.first.GetWriter()
	return cmp.Or(
		flag(len(o.joined()) > 0)-flag(len(m.joined()) > 0),
		flag(o.sent)-flag(m.sent),
		flag(a.GetSecondary())-flag(b.GetSecondary()),
		cmp.Compare(a.GetOrder(), b.GetOrder()),
		flag(a == nil)-flag(b == nil),
		cmp.Compare(m.start, o.start),
		cmp.Compare(m.key, o.key),
		cmp.Compare(o.last, m.last),
	)
}

// distinct tells copies of one writer's directory from the one of them that
// has most.
func distinct(members []*member) (kept, copies []*member) {
	best := map[string]*member{}
	for _, m := range members {
		if b := best[m.key]; b == nil || len(b.joined()) == 0 && m.last > b.last {
			best[m.key] = m
		}
	}
	for _, m := range members {
		if best[m.key] == m {
			kept = append(kept, m)
		} else {
			copies = append(copies, m)
		}
	}
	return kept, copies
}

// name gives every writer a label that no other has.
func name(members []*member) {
	taken := map[string]bool{}
	for _, w := range members[0].joined() {
		taken[w.GetLabel()] = true
	}
	for i, m := range members {
		if i == 0 && len(m.joined()) > 0 {
			continue
		}
		m.inside = i > 0 && m.isInside(members[0])
		label := m.label
		switch {
		case label != "":
		case i == 0:
			label = "main"
		case m.inside:
			label = "program"
		default:
			label = cmp.Or(m.first.GetHost(), "writer")
		}
		m.label = label
		for n := 2; taken[m.label]; n++ {
			m.label = label + "-" + strconv.Itoa(n)
		}
		taken[m.label] = true
	}
}

// isInside says whether m is the official client in a command that exec runs: it
// has caught the console that exec has too.
func (m *member) isInside(front *member) bool {
	return m.first.GetWriter() == nil && front.first.GetWriter() != nil && front.spoke && front.rows == 0 &&
		m.first.GetHost() == front.first.GetHost() && m.start >= front.start
}

// blockFile reads a log without keeping a descriptor: there may be more
// writers than a process may have files.
type blockFile struct {
	path string
	at   int64
	size int64 // what was there when the log was inspected
}

var errChanged = errors.New("the log was changed meanwhile")

func (b *blockFile) Read(p []byte) (int, error) {
	f, err := os.Open(b.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() != b.size {
		return 0, errors.Join(err, errChanged)
	}
	n, err := f.ReadAt(p, b.at)
	b.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}
