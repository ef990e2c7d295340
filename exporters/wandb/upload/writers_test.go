package upload

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// TestKillBetweenWriters: two ranks inside one exec count their steps each from 0
// while the uploader is killed again and again. Every row of both is stored once and
// says whose it is once the second has come; the server fails the test if a line
// that it had acknowledged comes back as another one. Seen to fail with the writers
// that had rows forgotten at a kill.
func TestKillBetweenWriters(t *testing.T) {
	l := newLog(t, &wandbpb.RunRecord{RunId: "abc", Project: "p"})
	p := newProofBehind(t, loseAnswers)
	const rows = 1500
	var ranks []*runlog.Writer
	for n := range 2 {
		w, err := runlog.Create(l.dir.PartPath(fmt.Sprint("program-", n)), runlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		label := fmt.Sprint("rank-", n)
		run := &wandbpb.RunRecord{RunId: "abc", Writer: &wandbpb.Writer{Id: label, Label: label}}
		if err := w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: run}}); err != nil {
			t.Fatal(err)
		}
		ranks = append(ranks, w)
	}
	logged := make(chan bool)
	go func() {
		defer close(logged)
		for i := range int64(rows) {
			for n, w := range ranks {
				w.Row(&runlog.Row{Step: i, Timestamp: 1_700_000_000 + float64(i), Items: []runlog.Item{
					{Key: runlog.NewKey("v"), Kind: runlog.Int, I: 10*i + int64(n)},
				}})
			}
			time.Sleep(100 * time.Microsecond)
		}
		for _, w := range ranks {
			w.Close()
		}
		l.exit(0)
	}()
	for range killRounds(t) {
		cmd := uploaderProcess(t, l.dir.Path, p.url)
		time.Sleep(time.Duration(rand.N(int64(60 * time.Millisecond))))
		cmd.Process.Kill()
		cmd.Wait()
	}
	<-logged
	if err := uploaderProcess(t, l.dir.Path, p.url).Wait(); err != nil {
		t.Fatal(err)
	}
	seen := map[int64]bool{}
	labelled := 0
	for i, line := range p.run("abc").History {
		var row struct {
			Step   int64  `json:"_step"`
			Own    int64  `json:"_writer_step"`
			Writer string `json:"_writer"`
			V      int64  `json:"v"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Step != int64(i) || seen[row.V] {
			t.Fatalf("row %d: %v: got %s, value seen before: %v", i, err, line, seen[row.V])
		}
		seen[row.V] = true
		if row.Writer == "" {
			continue
		}
		labelled++
		if row.Writer != fmt.Sprint("rank-", row.V%10) || row.Own != row.V/10 {
			t.Fatalf("row %d is not its writer's: %s", i, line)
		}
	}
	if len(seen) != 2*rows || labelled < rows {
		t.Errorf("got %d rows, %d of them say whose they are; want %d and at least %d", len(seen), labelled, 2*rows, rows)
	}
}
