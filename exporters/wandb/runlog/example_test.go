package runlog_test

import (
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// A program writes a run offline, dies, and the run is read back.
func Example() {
	root, err := os.MkdirTemp("", "runlog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	dir, err := runlog.NewDir(runlog.DirOptions{WandbDir: root, RunID: "demo"})
	if err != nil {
		log.Fatal(err)
	}
	w, err := runlog.Create(dir.LogPath(), runlog.Options{Version: "0.1"})
	if err != nil {
		log.Fatal(err)
	}
	start := time.Now()
	err = w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: &wandbpb.RunRecord{
		RunId: dir.RunID, Project: "digits", StartTime: timestamppb.New(start),
	}}})
	if err != nil {
		log.Fatal(err)
	}

	loss := runlog.NewKey("train", "loss") // rendered once
	state := runlog.NewState()
	for step := range int64(3) {
		row := &runlog.Row{
			Step: step, Runtime: time.Since(start).Seconds(), Timestamp: float64(time.Now().UnixMilli()) / 1e3,
			Items: []runlog.Item{{Key: loss, F: 1 / float64(step+1)}},
		}
		for _, m := range state.Row(row) { // definitions that globs gave to new keys
			if err := w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Metric{Metric: m}}); err != nil {
				log.Fatal(err)
			}
		}
		if err := w.Row(row); err != nil { // in the kernel when it returns
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	// The program died without an exit record: repair ends the log.
	report, err := runlog.Repair(dir)
	if err != nil {
		log.Fatal(err)
	}
	run, err := runlog.Load(dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.Project, len(run.History), run.Summary["train"], "exit known:", report.Exit.Known)
	// Output: digits 3 map[loss:0.3333333333333333] exit known: false
}
