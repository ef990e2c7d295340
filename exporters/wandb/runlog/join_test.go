package runlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// rank is a writer of the run "many" in a test.
type rank struct {
	dir  *Dir
	w    *Writer
	step int64
}

const epoch = 1_700_000_000 // when runs of tests begin

// newRank begins the log of a writer; label "" makes one without a rank.
func newRank(t testing.TB, wandbDir string, order int, label string) *rank {
	t.Helper()
	d, err := NewDir(DirOptions{WandbDir: wandbDir, RunID: "many"})
	check(t, err)
	r := &rank{dir: d, w: create(t, d.LogPath())}
	run := &wandbpb.RunRecord{
		RunId: "many", Project: "p", StartTime: &timestamppb.Timestamp{Seconds: epoch}, Host: "node" + label,
		Writer: &wandbpb.Writer{Id: "writer-" + label, Label: label, Order: int32(order)},
	}
	check(t, r.w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: run}}))
	return r
}

// row logs one value at a second of the run.
func (r *rank) row(t testing.TB, second float64, key string, v float64) {
	t.Helper()
	check(t, r.w.Row(&Row{Step: r.step, Runtime: second, Timestamp: epoch + second, Items: []Item{{Key: NewKey(key), F: v}}}))
	r.step++
}

func (r *rank) say(t testing.TB, second float64, text string) {
	t.Helper()
	check(t, r.w.Output(false, int64((epoch+second)*1e9), []byte(text)))
}

func (r *rank) write(t testing.TB, rec *wandbpb.Record) {
	t.Helper()
	check(t, r.w.Write(rec))
}

// end finishes the log with an exit code; a negative one is a kill.
func (r *rank) end(t testing.TB, code int) *Dir {
	t.Helper()
	if code >= 0 {
		check(t, r.w.Write(exitRecord(&wandbpb.RunExitRecord{ExitCode: int32(code), Runtime: 9})))
	}
	check(t, r.w.Close())
	return r.dir
}

func joinAll(t testing.TB, dirs ...*Dir) (*Dir, *Run, JoinReport) {
	t.Helper()
	main, report, err := Join(dirs, JoinOptions{})
	check(t, err)
	run, err := Load(main)
	check(t, err)
	if run.Damage.Any() {
		t.Errorf("the joined log is damaged: %+v", run.Damage)
	}
	return main, run, report
}

// rowsOf prints step, writer, own step and values of every row.
func rowsOf(run *Run) string {
	var b strings.Builder
	for _, r := range run.History {
		fmt.Fprintf(&b, "%d", r.Step)
		if w, ok := r.Values[writerKey]; ok {
			fmt.Fprintf(&b, " %v.%v", w, r.Values[writerStepKey])
		}
		for key, v := range r.Values {
			if !strings.HasPrefix(key, "_") {
				fmt.Fprintf(&b, " %s=%v", key, v)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func wantText(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}

func configRecord(key, value string) *wandbpb.Record {
	return &wandbpb.Record{RecordType: &wandbpb.Record_Config{Config: &wandbpb.ConfigRecord{
		Update: []*wandbpb.ConfigItem{{NestedKey: strings.Split(key, "."), ValueJson: value}},
	}}}
}

// twoRanks makes two logs whose rows interleave.
func twoRanks(t testing.TB, root string) (*rank, *rank) {
	a, b := newRank(t, root, 0, "rank-0"), newRank(t, root, 1, "rank-1")
	for i := range 3 {
		a.row(t, float64(i), "loss", float64(10-i))
		b.row(t, float64(i)+0.5, "loss1", float64(20-i))
	}
	a.write(t, configRecord("net.layers", "3"))
	b.write(t, configRecord("net.layers", "4"))
	b.write(t, configRecord("net.extra", `{"x":1}`))
	check(t, a.w.Stats((epoch+1)*1e9, []StatItem{{NewStatKey("cpu"), 1}}))
	check(t, b.w.Stats((epoch+1)*1e9, []StatItem{{NewStatKey("cpu"), 2}}))
	a.say(t, 1, "from a\nhalf")
	b.say(t, 2, "one\rtwo\nlast")
	a.say(t, 3, " line\n")
	return a, b
}

func TestJoinMergesRowsOfSeveralWriters(t *testing.T) {
	root := t.TempDir()
	ra, rb := twoRanks(t, root)
	a, b := ra.end(t, 0), rb.end(t, 7)
	main, run, report := joinAll(t, b, a)
	if main.Path != a.Path || !report.Renumbered || report.Rows != 3 || strings.Join(report.Writers, " ") != "rank-0 rank-1" {
		t.Errorf("got %s and %+v", main.Path, report)
	}
	wantText(t, "rows", rowsOf(run), `0 rank-0.0 loss=10
1 rank-1.0 loss1=20
2 rank-0.1 loss=9
3 rank-1.1 loss1=19
4 rank-0.2 loss=8
5 rank-1.2 loss1=18
`)
	wantText(t, "config", fmt.Sprint(run.Config), "map[net:map[extra:map[x:1] layers:3]]")
	wantText(t, "summary", fmt.Sprint(run.Summary), "map[_runtime:2.5 _step:5 _timestamp:1.7000000025e+09 _wandb:map[runtime:2] loss:8 loss1:18]")
	if *run.Exit != (Exit{Code: 7, Known: true, Runtime: 9e9}) {
		t.Errorf("exit: got %+v, want the failure of rank 1", run.Exit)
	}
	var keys []string
	for _, s := range run.Stats {
		for key := range s.Values {
			keys = append(keys, key)
		}
	}
	wantText(t, "stats", strings.Join(keys, " "), "cpu/l:rank-0 cpu/l:rank-1")
	var text strings.Builder
	for _, c := range run.Console {
		text.WriteString(c.Text)
	}
	wantText(t, "console", text.String(), "from a\nhalf line\n[rank-1] two\n[rank-1] last\n")
	if b.JoinedInto() != filepath.Base(a.Path) || a.JoinedInto() != "" {
		t.Errorf("marks: got %q and %q", b.JoinedInto(), a.JoinedInto())
	}
}

func TestJoinAgainChangesNothing(t *testing.T) {
	root := t.TempDir()
	ra, rb := twoRanks(t, root)
	a, b := ra.end(t, 0), rb.end(t, -1)
	joinAll(t, a, b)
	before, _ := os.ReadFile(a.LogPath())
	_, run, report := joinAll(t, a, b)
	after, _ := os.ReadFile(a.LogPath())
	if report.Changed || !bytes.Equal(before, after) {
		t.Errorf("second join: %+v, log of %d and then %d bytes", report, len(before), len(after))
	}
	if repaired, err := Repair(a); err != nil || repaired.Changed {
		t.Errorf("repair of a joined log: %+v, %v, want nothing to do", repaired, err)
	}
	if run.Exit.Known || !run.Crashed {
		t.Errorf("exit: got %+v, want unknown, one writer was killed", run.Exit)
	}
}

// A directory that turns up later goes between the rows that are there, and
// behind them once the log was sent.
func TestJoinALateDirectory(t *testing.T) {
	for _, sent := range []bool{false, true} {
		root := t.TempDir()
		ra, rb := twoRanks(t, root)
		late := newRank(t, root, 2, "rank-2")
		late.row(t, 0.25, "loss2", 30)
		a, b, c := ra.end(t, 0), rb.end(t, 0), late.end(t, 0)
		joinAll(t, a, b)
		nums := rowNums(t, a)
		if sent {
			check(t, os.WriteFile(a.file("upload"), []byte("{}"), 0o600))
		}
		_, run, report := joinAll(t, c, a)
		want := `0 rank-0.0 loss=10
1 rank-2.0 loss2=30
2 rank-1.0 loss1=20
3 rank-0.1 loss=9
4 rank-1.1 loss1=19
5 rank-0.2 loss=8
6 rank-1.2 loss1=18
`
		if sent {
			want = `0 rank-0.0 loss=10
1 rank-1.0 loss1=20
2 rank-0.1 loss=9
3 rank-1.1 loss1=19
4 rank-0.2 loss=8
5 rank-1.2 loss1=18
6 rank-2.0 loss2=30
`
			if after := rowNums(t, a); fmt.Sprint(after[:len(nums)]) != fmt.Sprint(nums) {
				t.Errorf("record numbers of rows that were sent: %v, then %v", nums, after)
			}
		}
		wantText(t, fmt.Sprintf("rows, sent %v", sent), rowsOf(run), want)
		if report.Appended != sent || len(report.Writers) != 3 {
			t.Errorf("sent %v: got %+v", sent, report)
		}
		if _, _, again := joinAll(t, a, b, c); again.Changed {
			t.Errorf("sent %v: third join: %+v", sent, again)
		}
	}
}

// rowNums lists the record numbers of the rows in a log.
func rowNums(t *testing.T, d *Dir) []int64 {
	t.Helper()
	b, err := os.ReadFile(d.LogPath())
	check(t, err)
	recs, _, _ := readAll(t, b)
	var nums []int64
	for _, rec := range recs {
		if rec.GetHistory() != nil {
			nums = append(nums, rec.GetNum())
		}
	}
	return nums
}

// One writer of rows beside others that have none: exec around a program.
func TestJoinKeepsStepsOfTheOnlyWriterOfRows(t *testing.T) {
	root := t.TempDir()
	front, program := newRank(t, root, 0, ""), newRank(t, root, 0, "program")
	front.say(t, 0, "starting\n")
	program.step = 40
	program.row(t, 1, "loss", 1)
	program.row(t, 2, "loss", 2)
	_, run, report := joinAll(t, front.end(t, 0), program.end(t, 0))
	wantText(t, "rows", rowsOf(run), "40 loss=1\n41 loss=2\n")
	if report.Renumbered || run.Summary["_step"] != int64(41) {
		t.Errorf("got %+v, summary %v", report, run.Summary)
	}
}

func TestJoinRefuses(t *testing.T) {
	root := t.TempDir()
	a, b := twoRanks(t, root)
	done := a.end(t, 0)
	if _, _, err := Join([]*Dir{done, b.dir}, JoinOptions{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a writer that lives: got %v, want ErrLocked", err)
	}
	b.end(t, 0)
	lock, err := openLocked(done.file("upload.lock"), os.O_CREATE)
	check(t, err)
	if _, _, err := Join([]*Dir{done, b.dir}, JoinOptions{}); !errors.Is(err, ErrLocked) {
		t.Errorf("an upload at work: got %v, want ErrLocked", err)
	}
	check(t, lock.Close())
	if _, _, err := Join([]*Dir{done, newDir(t)}, JoinOptions{}); !errors.Is(err, ErrNotOneRun) {
		t.Errorf("another run: got %v, want ErrNotOneRun", err)
	}
	for _, d := range []*Dir{done, b.dir} {
		check(t, os.WriteFile(d.file("upload"), []byte("{}"), 0o600))
	}
	_, run, report := joinAll(t, done, b.dir)
	if len(report.Sent) != 1 || len(run.History) != 3 {
		t.Errorf("a directory that was sent by itself: got %+v and %d rows, want it left alone", report, len(run.History))
	}
}

func filesRecord(names ...string) *wandbpb.Record {
	rec := &wandbpb.FilesRecord{}
	for _, name := range names {
		rec.Files = append(rec.Files, &wandbpb.FilesItem{Path: name, Policy: wandbpb.FilesItem_END})
	}
	return &wandbpb.Record{RecordType: &wandbpb.Record_Files{Files: rec}}
}

// What lies outside the files directory stays there: place() looks through
// os.Root, and at links instead of where they lead.
func TestJoinBringsFiles(t *testing.T) {
	root := t.TempDir()
	a, b := newRank(t, root, 0, "rank-0"), newRank(t, root, 1, "rank-1")
	put := func(r *rank, name, text string) {
		path := filepath.Join(r.dir.FilesDir(), name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		check(t, os.WriteFile(path, []byte(text), 0o600))
	}
	put(a, "same.txt", "equal")
	put(b, "same.txt", "equal")
	put(a, "model.pt", "of a")
	put(b, "model.pt", "of b")
	put(b, "media/x.png", "picture")
	put(a, "taken", "a file of a")
	put(b, "taken/by", "a folder of b")
	check(t, os.WriteFile(filepath.Join(root, "secret"), []byte("s"), 0o600))
	check(t, os.Symlink(filepath.Join(root, "secret"), filepath.Join(b.dir.FilesDir(), "link")))
	check(t, os.Symlink(root, filepath.Join(b.dir.FilesDir(), "way")))
	b.write(t, filesRecord("same.txt", "model.pt", "media/x.png", "gone", "../../secret", "link", "way/secret", "taken/by"))
	main, run, report := joinAll(t, a.end(t, 0), b.end(t, 0))
	wantText(t, "files", strings.Join(run.Files, " "), "same.txt model_rank-1.pt media/x.png link rank-1/taken/by_rank-1")
	for name, want := range map[string]string{"same.txt": "equal", "model.pt": "of a", "model_rank-1.pt": "of b", "media/x.png": "picture"} {
		text, _ := os.ReadFile(filepath.Join(main.FilesDir(), name))
		wantText(t, name, string(text), want)
	}
	if st, err := os.Lstat(filepath.Join(main.FilesDir(), "link")); err != nil || st.Mode().Type() != os.ModeSymlink {
		t.Errorf("a link that leads out: got %v, %v, want it still a link", st, err)
	}
	if report.Files != 4 || report.Missing != 3 {
		t.Errorf("got %+v, want 4 files brought, 3 missing", report)
	}
}

func TestFindSiblings(t *testing.T) {
	root := t.TempDir()
	a, b := newRank(t, root, 0, "x").end(t, 0), newRank(t, root, 1, "y").end(t, 0)
	_, err := NewDir(DirOptions{WandbDir: root, RunID: "other"})
	check(t, err)
	found, err := FindSiblings(root, "many")
	check(t, err)
	if len(found) != 2 || found[0].Path != a.Path || found[1].Path != b.Path {
		t.Errorf("got %v", found)
	}
	others, err := a.Siblings()
	check(t, err)
	if len(others) != 1 || others[0].Path != b.Path {
		t.Errorf("siblings of the first: got %v", others)
	}
}

// A job of two ranks that was requeued: the second time is another session, not
// two more ranks. Ranks that did not meet are of one session all the same.
func TestSessionsOfARequeuedJob(t *testing.T) {
	root := t.TempDir()
	made := func(order int, from, to float64) *Dir {
		d, err := NewDir(DirOptions{WandbDir: root, RunID: "many"})
		check(t, err)
		w := create(t, d.LogPath())
		start := &timestamppb.Timestamp{Seconds: epoch + int64(from)}
		check(t, w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: &wandbpb.RunRecord{
			RunId: "many", StartTime: start, Writer: &wandbpb.Writer{Id: d.Path, Label: fmt.Sprint("rank-", order), Order: int32(order)},
		}}}))
		check(t, w.Row(rowAt(0, to, 1)))
		check(t, w.Close())
		return d
	}
	a0, a1 := made(0, 0, 50), made(1, 0, 1) // rank 1 dies at once
	b1, b0 := made(1, 60, 100), made(0, 61, 100)
	a2 := made(2, 10, 55)
	got, err := Sessions([]*Dir{b0, a1, a2, b1, a0})
	check(t, err)
	want := [][]*Dir{{a1, a0, a2}, {b1, b0}}
	if !slices.EqualFunc(got, want, slices.Equal[[]*Dir]) {
		t.Errorf("got %v, want %v", got, want)
	}
}
