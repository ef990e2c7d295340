// Command online is what the bench has runapi do: the same as official/client.py.
//
//	online ROWS          a run of ROWS rows of five numbers
//	put NAME PATH        a file or directory as an artifact
//
// It prints the seconds from the first call to the end of the last one.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

func main() {
	if err := do(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func do(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("want online ROWS, or put NAME PATH")
	}
	run, err := runapi.Init(context.Background(), runapi.Settings{Project: "bench", DisableStats: true})
	if err != nil {
		return err
	}
	defer run.Close()
	start := time.Now()
	switch args[0] {
	case "online":
		rows, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		err = logRows(run, rows)
		if err == nil {
			err = run.Finish(0)
		}
		if err != nil {
			return err
		}
	case "put":
		if err := put(run, args[1], args[2]); err != nil {
			return err
		}
	default:
		return fmt.Errorf("want online or put, got %q", args[0])
	}
	fmt.Printf("seconds=%.3f\n", time.Since(start).Seconds())
	return nil
}

func logRows(run *runapi.Run, rows int) error {
	row := run.Row()
	loss, acc, lr, grad, tokens := run.Key("loss"), run.Key("acc"), run.Key("lr"), run.Key("grad"), run.Key("tokens")
	for i := range rows {
		row.Float(loss, 1/float64(i+1))
		row.Float(acc, float64(i)/float64(rows))
		row.Float(lr, 0.001)
		row.Int(grad, int64(i%7))
		row.Int(tokens, int64(i)*512)
		if err := run.LogRow(&row); err != nil {
			return err
		}
	}
	return nil
}

func put(run *runapi.Run, name, path string) error {
	a, err := artifact.New(name, "dataset", artifact.Options{})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		if err := a.AddDir(ctx, path, artifact.DirOptions{Policy: artifact.Immutable}); err != nil {
			return err
		}
	} else if err := a.AddFile(path, artifact.FileOptions{Policy: artifact.Immutable}); err != nil {
		return err
	}
	logged, err := run.LogArtifact(ctx, a, runapi.ArtifactOptions{})
	if err != nil {
		return err
	}
	_, err = logged.Wait(ctx)
	return err
}
