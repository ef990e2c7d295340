package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/filestream"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// TestStop: somebody's wish that the run stops reaches the program, once.
func TestStop(t *testing.T) {
	p := newProof(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p"})
	var stops atomic.Int64
	u, err := New(Options{Dir: l.dir, Client: p.client(""), Live: true, Transmit: time.Millisecond, Poll: time.Millisecond, OnStop: func() { stops.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	go u.Run(context.Background())
	l.rows(0, 1)
	until(t, "the first row", func() bool { return u.Account().Rows.Sent == 1 })
	if err := p.RequestStop("local", "p", "r"); err != nil {
		t.Fatal(err)
	}
	for i := int64(1); stops.Load() == 0 && i < 1000; i++ {
		l.rows(i, 1)
		until(t, "a row", func() bool { return u.Account().Rows.Sent == i+1 })
	}
	l.rows(1000, 1)
	l.exit(0)
	if _, err := u.Finish(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if stops.Load() != 1 {
		t.Errorf("told to stop %d times, want once", stops.Load())
	}
}

// TestFinishHangingServer: the deadline of Finish holds, the report counts what
// is left, and a later upload sends it.
func TestFinishHangingServer(t *testing.T) {
	b := newBench(t, faults.On(faults.Match{Path: "file_stream"}, faults.Action{Kind: faults.Hang}))
	u := b.uploader()
	u.o.Live = true
	go u.Run(context.Background())
	until(t, "a request to hang", func() bool { return b.faults.Struck() > 0 })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	rep, err := u.Finish(ctx)
	if !errors.Is(err, ErrUnsent) || rep.Rows != (Tally{Offered: benchRows}) || rep.PendingBytes == 0 {
		t.Errorf("got %v, %+v; want ErrUnsent and all rows pending", err, rep)
	}
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("Finish took %v beyond its deadline", d)
	}
	b.faults.Clear()
	if rep, err = b.upload(deadline(t)); err != nil {
		t.Fatal(err)
	}
	b.check(rep)
}

// TestDamagedLog: whatever was flipped or cut off in a log, what can be read is
// sent, in order, and the run ends.
func TestDamagedLog(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := newProof(t)
		dir := session(t, &wandbpb.RunRecord{RunId: "r"}, 500)
		text, err := os.ReadFile(dir.LogPath())
		if err != nil {
			t.Fatal(err)
		}
		head := 200 // the run record has to stay: nobody would know where the run belongs
		for range 1 + r.IntN(5) {
			text[head+r.IntN(len(text)-head)] ^= byte(1 + r.IntN(255))
		}
		if r.IntN(2) == 0 {
			text = text[:len(text)-r.IntN(2000)]
		}
		if err := os.WriteFile(dir.LogPath(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		rep, err := p.send(dir, Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		run := p.run("r")
		if int64(len(run.History)) != rep.Rows.Sent || rep.Rows.Offered != rep.Rows.Sent+rep.Rows.Dropped || run.State == "running" {
			t.Errorf("seed %d: %d rows stored, %+v, state %s", seed, len(run.History), rep.Rows, run.State)
		}
		last := int64(-1)
		for _, step := range column(t, run.History, "_step") {
			if s := step.(int64); s <= last {
				t.Fatalf("seed %d: step %d after %d", seed, s, last)
			} else {
				last = s
			}
		}
	}
}

// TestLongLines: what no request can hold is counted, and does not keep the
// rest.
func TestLongLines(t *testing.T) {
	p := newProof(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p"})
	long := `"` + strings.Repeat("x", filestream.MaxLine) + `"`
	l.rows(0, 3)
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_History{History: &wandbpb.HistoryRecord{Item: []*wandbpb.HistoryItem{{Key: "text", ValueJson: long}, {Key: "_step", ValueJson: "3"}}}}},
		summaryRecord("text", long))
	l.rows(4, 3)
	l.exit(0)
	rep, err := p.send(l.dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if run := p.run("r"); len(run.History) != 6 || rep.Rows != (Tally{Offered: 7, Sent: 6, Dropped: 1}) || run.Summary != "" && len(run.Summary) > 1000 {
		t.Errorf("%d rows, %+v, summary of %d bytes", len(run.History), rep.Rows, len(run.Summary))
	}
}

// TestRepeatedSteps: no row hides another, and the report says so.
func TestRepeatedSteps(t *testing.T) {
	p := newProof(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p"})
	l.rows(0, 5)
	l.rows(3, 4)
	l.rows(100, 2)
	l.exit(0)
	rep, err := p.send(l.dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(column(t, p.run("r").History, "_step"))
	if want := "[0 1 2 3 4 5 6 7 8 100 101]"; got != want || rep.StepsMoved != 4 {
		t.Errorf("steps %s, %d moved; want %s, 4", got, rep.StepsMoved, want)
	}
}

// TestPreempting: the word that the machine will be taken goes out at once.
func TestPreempting(t *testing.T) {
	b := newBench(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "pre", Project: "p"})
	u, err := New(Options{Dir: l.dir, Client: b.fake.client(t), Live: true, Transmit: time.Hour, Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	go u.Run(context.Background())
	l.rows(0, 1)
	until(t, "the first request, which waits for nobody", func() bool { return u.Account().Rows.Sent == 1 })
	l.rows(1, 1)
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Preempting{Preempting: &wandbpb.RunPreemptingRecord{}}})
	until(t, "the row before it", func() bool { return u.Account().Rows.Sent == 2 })
	b.fake.mu.Lock()
	told := bytes.Contains(b.fake.last, []byte(`"preempting":true`))
	b.fake.mu.Unlock()
	if !told {
		t.Error("the server was not told")
	}
	l.exit(0)
	if _, err := u.Finish(deadline(t)); err != nil {
		t.Fatal(err)
	}
}

// TestCadence: the first request goes at once, the next ones in their turn, and
// a run with nothing to say is heard of every half minute.
func TestCadence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed()
		f.replayed, f.limit = true, 1000
		u := &Uploader{feed: f, files: &runFiles{}}
		u.o.withDefaults()
		begin := time.Now()
		wait := func(sent time.Time) time.Duration {
			t.Helper()
			from := time.Now()
			if err := u.await(t.Context(), sent); err != nil {
				t.Fatal(err)
			}
			return time.Since(from)
		}
		f.batch.History.Append([]byte("{}"))
		if d := wait(time.Time{}); d != 0 {
			t.Errorf("first request: after %v, want at once", d)
		}
		if d := wait(begin); d != 15*time.Second {
			t.Errorf("second request: after %v, want 15 s", d)
		}
		now := time.Now()
		f.batch.Reset()
		if d := wait(now); d != 30*time.Second {
			t.Errorf("nothing to say: after %v, want 30 s", d)
		}
		now = time.Now()
		go func() {
			time.Sleep(time.Second)
			f.mu.Lock()
			for f.batch.History.Bytes() < f.limit {
				f.batch.History.Append([]byte("{}"))
			}
			f.mu.Unlock()
			signal(f.pace)
		}()
		if d := wait(now); d != time.Second {
			t.Errorf("a full batch: after %v, want 1 s", d)
		}
	})
}

// TestNamesOnce: what a person changes on a run's page stays, though the log
// tells of the machine after the run has begun.
func TestNamesOnce(t *testing.T) {
	f := newFake(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p", DisplayName: "mine", Tags: []string{"x"}, Notes: "n"})
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Environment{Environment: &wandbpb.EnvironmentRecord{Program: "train.py", Host: "node"}}})
	l.write(configRecord("lr", "1"))
	l.exit(0)
	u, err := New(Options{Dir: l.dir, Client: f.client(t)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Run(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if len(f.upserts) != 2 {
		t.Fatalf("%d upserts, want one to begin and one for what came", len(f.upserts))
	}
	first, second := f.upserts[0], f.upserts[1]
	if first["displayName"] != "mine" || first["tags"] == nil || first["program"] != nil {
		t.Errorf("first: %v", first)
	}
	if second["displayName"] != nil || second["tags"] != nil || second["notes"] != nil || second["program"] != "train.py" || second["host"] != "node" ||
		!strings.Contains(second["config"].(string), `"lr"`) {
		t.Errorf("second: %v", second)
	}
}
