package upload

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// TestKillTwoLogs kills the uploader of a run that two writers log rows to, one
// of them in a part that is folded in while it happens: a request that was in
// flight is made of the same records in the same order, so that no row comes
// twice, none is lost, and no line changes at its place.
func TestKillTwoLogs(t *testing.T) {
	rounds := killRounds(t)
	p := newProofBehind(t, loseAnswers)
	l := newLog(t, &wandbpb.RunRecord{RunId: "abc", Project: "p"})
	part, err := runlog.Create(l.dir.PartPath("program-1"), runlog.Options{Sync: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	const rows = 3000
	logged, stop := make(chan bool), make(chan bool)
	pause := func() {
		select {
		case <-stop:
		case <-time.After(time.Duration(rounds) * 100 * time.Microsecond):
		}
	}
	writer := runlog.NewKey("writer")
	go func() {
		defer close(logged)
		for i := range int64(rows) {
			row := runlog.Row{Step: i, Timestamp: float64(i), Items: []runlog.Item{{Key: writer, Kind: runlog.Int, I: i % 2}}}
			to := l.w
			if i%2 == 1 {
				to = part
			}
			if err := to.Row(&row); err != nil {
				t.Error(err)
			}
			if i%10 == 0 {
				to.Output(false, i, fmt.Appendf(nil, "%d\n", i))
				pause()
			}
		}
		if err := part.Close(); err != nil {
			t.Error(err)
		}
		if err := runlog.Fold(l.w, l.dir, nil, func() error { return nil }); err != nil {
			t.Error(err)
		}
		for range 10 {
			pause()
		}
		l.exit(0)
	}()
	for range rounds {
		cmd := uploaderProcess(t, l.dir.Path, p.url)
		time.Sleep(time.Duration(rand.N(int64(80 * time.Millisecond))))
		cmd.Process.Kill()
		cmd.Wait()
	}
	close(stop)
	<-logged
	if err := uploaderProcess(t, l.dir.Path, p.url).Wait(); err != nil {
		t.Fatal(err)
	}
	run := p.run("abc")
	var count [2]int64
	last := int64(-1)
	several := false
	for _, line := range run.History {
		v := object([]byte(line))
		w, stamp, step := v["writer"].(int64), v["_timestamp"].(int64), v["_step"].(int64)
		if want := 2*count[w] + w; stamp != want {
			t.Fatalf("writer %d: got the row of %d, want that of %d", w, stamp, want)
		}
		count[w]++
		if who := v["_writer"]; who == nil && several || who != nil && v["_writer_step"] != stamp {
			t.Fatalf("a row has another shape than those before: %s", line)
		}
		several = several || v["_writer"] != nil
		if step <= last {
			t.Fatalf("step %d after %d", step, last)
		}
		last = step
	}
	if len(run.History) != rows || len(run.Console) != rows/10 || run.State != "finished" {
		t.Errorf("got %d rows, %d lines, state %s; want %d, %d, finished", len(run.History), len(run.Console), run.State, rows, rows/10)
	}
}
