package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// JoinOptions of [Join]. The zero value works.
type JoinOptions struct {
	Version string // of the program, for the header of the joined log
}

// JoinReport says what [Join] found and did.
type JoinReport struct {
	Changed    bool     // something was written
	Writers    []string // labels of those in the log, the main one's first
	Renumbered bool     // several writers logged rows: their steps are numbers of the joined rows
	Appended   bool     // the main log was sent before, in part at least: the rest stands behind it
	Records    int64    // taken from the other logs by this call
	Rows       int64    // history rows among them
	Files      int      // copied or linked by this call
	Missing    int      // files that another writer's log names and its directory lacks
	Sent       []string // directories left alone because an upload has sent from them
	Damage     Damage   // of the logs that were read; their other records are there
	Exit       Exit     // of the run as a whole
}

// ErrNotOneRun means that directories to be joined are of different runs.
var ErrNotOneRun = errors.New("the directories are not of one run")

// Join makes one finished log of the logs that several writers of a run kept in
// directories of their own: ranks, nodes, a program inside exec. It repairs each, picks the
// main one, replaces its log by the joined one in a single step, and leaves a
// mark in the others (see [Dir.JoinedInto]), which are not changed otherwise.
// What comes out does not depend on the order of dirs.
//
// A second call with the same directories changes nothing; one that was
// interrupted may be made again; a directory that turns up later may be joined
// to the main one. Once an upload has begun to send the main log, what stands
// in it stays, and everything new goes behind. Any writer that is alive, and an
// upload at work, makes the error ErrLocked.
//
// When several writers have logged rows the rows stand in the order of their
// time and _step is the row's number in it; each has its own step as
// _writer_step and its writer's label as _writer. Otherwise steps stay. The
// summary and the config are the main writer's, with the keys that only others have;
// system metrics and console lines of others carry their label; the exit is the worst that is known.
func Join(dirs []*Dir, o JoinOptions) (*Dir, JoinReport, error) {
	j, err := newJoin(dirs, o)
	if err != nil {
		return nil, JoinReport{}, err
	}
	err = j.run()
	return j.main.dir, j.report, err
}

// join is one call of Join.
type join struct {
	opts    JoinOptions
	main    *member
	others  []*member // those with something new, in order
	marked  []*member // all others
	copies  []*member // of directories among these
	writers []*wandbpb.Writer
	start   *member // whose start is that of the run
	begun   bool    // the run record was written
	nodes   int

	out     *Writer
	rows    rowRule
	console consoleMerge
	files   fileMerge
	said    map[string]*member // per definedBy, whose word counts
	newest  map[Key]*member    // per summary key, the other that logged it last
	report  JoinReport
}

func newJoin(dirs []*Dir, o JoinOptions) (*join, error) {
	members, err := inspectAll(dirs)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(members, (*member).order)
	members, copies := distinct(members)
	name(members)
	j := &join{opts: o, main: members[0], copies: copies, said: map[string]*member{}, newest: map[Key]*member{}}
	j.choose(members[1:])
	return j, nil
}

// choose finds which of the others have something that the main log lacks.
func (j *join) choose(others []*member) {
	j.writers = slices.Clone(j.main.joined())
	if len(j.writers) == 0 {
		j.writers = []*wandbpb.Writer{{Id: j.main.key, Label: j.main.label, Order: j.main.first.GetWriter().GetOrder()}}
	}
	j.writers[0].Rows = j.main.rows
	for _, w := range j.writers[1:] {
		j.writers[0].Rows -= w.GetRows()
	}
	hosts := map[string]bool{j.main.first.GetHost(): true}
	j.start = j.main
	for _, m := range others {
		at := slices.IndexFunc(j.writers, func(w *wandbpb.Writer) bool { return w.GetId() == m.key })
		if at < 0 && m.sent {
			j.report.Sent = append(j.report.Sent, m.dir.Path)
			continue
		}
		if at >= 0 {
			m.taken, m.label = j.writers[at].GetTaken(), j.writers[at].GetLabel()
		}
		j.marked = append(j.marked, m)
		hosts[m.first.GetHost()] = true
		if m.last <= m.taken {
			continue
		}
		j.others = append(j.others, m)
		if !j.main.sent && m.start > 0 && m.start < j.start.start {
			j.start = m
		}
		w := &wandbpb.Writer{Id: m.key, Label: m.label, Order: m.first.GetWriter().GetOrder(), Taken: m.last, Rows: m.rows}
		if at >= 0 {
			j.writers[at] = w
		} else {
			j.writers = append(j.writers, w)
		}
	}
	j.nodes = len(hosts)
	for _, w := range j.writers {
		j.report.Writers = append(j.report.Writers, w.GetLabel())
	}
	j.report.Exit = exitOf(j.exit())
}

func (j *join) run() error {
	if len(j.others) > 0 {
		if err := j.replace(); err != nil {
			return fmt.Errorf("join into %s: %w", j.main.dir.Path, err)
		}
		j.report.Changed, j.report.Appended = true, j.main.sent
	}
	for _, m := range append(j.marked, j.copies...) {
		changed, err := m.dir.markJoined(j.main.dir)
		if err != nil {
			return err
		}
		j.report.Changed = j.report.Changed || changed
	}
	return nil
}

// replace writes the joined log beside the main one and puts it in its place.
func (j *join) replace() (err error) {
	dir := j.main.dir
	upload, err := openLocked(dir.file("upload.lock"), os.O_CREATE)
	if err != nil {
		return err
	}
	defer upload.Close()
	old, err := openLocked(dir.LogPath(), 0)
	if err != nil {
		return err
	}
	defer old.Close()
	path := dir.file("joining")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	bulk := func(f File) File { return &bulkFile{File: f} }
	if j.out, err = Create(path, Options{Version: j.opts.Version, File: bulk, StallBound: bulkStall}); err != nil {
		return err
	}
	defer os.Remove(path) // gone by then if all went well
	if err := errors.Join(j.merge(), j.out.Sync(), j.out.Close()); err != nil {
		return err
	}
	if err := syncDir(dir.FilesDir()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(path, dir.LogPath()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir.LogPath()))
}
