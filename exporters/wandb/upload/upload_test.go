package upload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// logRun is a run being logged by a test.
type logRun struct {
	t   testing.TB
	dir *runlog.Dir
	w   *runlog.Writer
	row runlog.Row
}

func newLog(t testing.TB, run *wandbpb.RunRecord) *logRun {
	t.Helper()
	dir, err := runlog.NewDir(runlog.DirOptions{WandbDir: t.TempDir(), RunID: run.GetRunId()})
	if err != nil {
		t.Fatal(err)
	}
	w, err := runlog.Create(dir.LogPath(), runlog.Options{Sync: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	l := &logRun{t: t, dir: dir, w: w}
	run.StartTime = timestamppb.New(time.Unix(1_700_000_000, 0))
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: run}})
	return l
}

func (l *logRun) write(recs ...*wandbpb.Record) {
	l.t.Helper()
	for _, rec := range recs {
		if err := l.w.Write(rec); err != nil {
			l.t.Fatal(err)
		}
	}
}

var lossKey = runlog.NewKey("loss")

func (l *logRun) rows(from, n int64) {
	l.t.Helper()
	for i := range n {
		l.row = runlog.Row{Step: from + i, Runtime: float64(from+i) / 10, Timestamp: 1_700_000_000 + float64(from+i)/10,
			Items: append(l.row.Items[:0], runlog.Item{Key: lossKey, F: 1 / float64(from+i+1)})}
		if err := l.w.Row(&l.row); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *logRun) exit(code int32) {
	l.t.Helper()
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Exit{Exit: &wandbpb.RunExitRecord{ExitCode: code}}},
		&wandbpb.Record{RecordType: &wandbpb.Record_Final{Final: &wandbpb.FinalRecord{}}},
		&wandbpb.Record{RecordType: &wandbpb.Record_Footer{Footer: &wandbpb.FooterRecord{}}})
	if err := l.w.Close(); err != nil {
		l.t.Fatal(err)
	}
}

func summaryRecord(key, value string) *wandbpb.Record {
	return &wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: &wandbpb.SummaryRecord{
		Derived: true, Update: []*wandbpb.SummaryItem{{NestedKey: []string{key}, ValueJson: value}}}}}
}

func TestOffline(t *testing.T) {
	l := newLog(t, &wandbpb.RunRecord{RunId: "abc", Project: "p"})
	l.rows(0, 1000)
	l.w.Output(false, 1_700_000_000_000_000_000, []byte("hello\nworld\n"))
	l.w.Stats(1_700_000_015_000_000_000, []runlog.StatItem{{Key: runlog.NewStatKey("cpu"), Value: 12.5}})
	l.write(summaryRecord("loss", "0.001"))
	l.exit(0)
	f := newFake(t)
	u, err := New(Options{Dir: l.dir, Client: f.client(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	rep, err := u.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.history) != 1000 || len(f.bad) > 0 || !f.complete || f.exit != 0 || f.history[7] != `{"loss":0.125,"_runtime":0.7,"_timestamp":1700000000.7,"_step":7}` {
		t.Errorf("history %d %v %v %v", len(f.history), f.bad, f.complete, f.history[7])
	}
	if want := `{"_wandb":true,"_timestamp":1700000015,"_runtime":15,"system.cpu":12.5}`; len(f.events) != 1 || f.events[0] != want {
		t.Errorf("events: got %s, want %s", f.events, want)
	}
	if len(f.console) != 2 || f.files["output.log"] != "hello\nworld\n" || f.summary != `{"loss":0.001}` || f.files["wandb-summary.json"] != f.summary {
		t.Errorf("console %q, summary %s, files %q", f.console, f.summary, f.files)
	}
	if !rep.Complete || rep.Rows != (Tally{Offered: 1000, Sent: 1000}) || rep.Unsent() {
		t.Errorf("report: %+v", rep)
	}
}

// TestInterrupted ends an upload at many moments, between and inside requests,
// and starts it again: the server ends with what one upload would have given.
func TestInterrupted(t *testing.T) {
	l := newLog(t, &wandbpb.RunRecord{RunId: "abc", Project: "p"})
	const rows = 3000
	for i := range int64(rows / 100) {
		l.rows(i*100, 100)
		l.w.Output(i%2 == 0, 1_700_000_000_000_000_000+i, fmt.Appendf(nil, "line %d\npart", i))
		l.w.Stats(1_700_000_015_000_000_000+i, []runlog.StatItem{{Key: runlog.NewStatKey("cpu"), Value: float64(i)}})
	}
	l.write(summaryRecord("loss", "0.001"))
	l.exit(3)
	f := newFake(t)
	f.lose = 0.5
	rounds := 0
	for done := false; !done; rounds++ {
		u, err := New(Options{Dir: l.dir, Client: f.client(t), Transmit: time.Nanosecond, Retry: api.RetryPolicy{Max: 5, WaitMin: time.Microsecond, WaitMax: time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		u.limit = 2000
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.N(int64(60*time.Millisecond))))
		rep, err := u.Run(ctx)
		cancel()
		done = err == nil
		if a := rep.Account; a.Rows.Offered != rows && a.Rows.Offered != 0 || a.Rows.Pending() < 0 || done && a.Unsent() {
			t.Fatalf("account: %+v", a)
		}
		if rounds > 10000 {
			t.Fatal(err)
		}
	}
	t.Log(rounds, "rounds,", f.requests, "requests")
	if len(f.history) != rows || len(f.events) != rows/100 || len(f.console) != rows/100+2 || len(f.bad) > 0 || !f.complete || f.exit != 3 || f.summary != `{"loss":0.001}` {
		t.Errorf("history %d, events %d, console %d, %v, %v %v %v", len(f.history), len(f.events), len(f.console), f.bad, f.complete, f.exit, f.summary)
	}
	for i, line := range f.history {
		if want := fmt.Sprintf(`"_step":%d}`, i); !strings.HasSuffix(line, want) {
			t.Fatalf("line %d is %s", i, line)
		}
	}
}
