package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// treeTick runs the benchmark of a real tree of 73 processes and 769 threads.
func treeTick(o *options) ([]row, error) {
	found, err := goBench(o, "./collectors/host/tree", "Tick", "1s")
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, tier := range []struct{ name, what, budget string }{
		{"fast", "tree of 73 processes, 769 threads, 1 s tier", "<= 500 µs, 0 allocations"},
		{"medium", "the same, 10 s tier (I/O and full scan)", ""},
	} {
		r := found["Tick/"+tier.name+"/processes=73"]
		if r == nil {
			return nil, fmt.Errorf("tree benchmarks are called otherwise: %v", found)
		}
		rows = append(rows, row{tier.what, micros(r["ns/op"]), "", fmt.Sprintf("%.0f allocations", r["allocs/op"]), "", tier.budget})
	}
	return rows, nil
}

// ringAppend compares an append with a plain copy under a mutex.
func ringAppend(o *options) ([]row, error) {
	found, err := goBench(o, "./agent/internal/ring", "AppendFrame", "1s")
	if err != nil {
		return nil, err
	}
	ours, floor := found["AppendFrame/series=200/readers=3"], found["AppendFrame/series=200/floor"]
	if ours == nil || floor == nil {
		return nil, fmt.Errorf("ring benchmarks are called otherwise: %v", found)
	}
	return []row{{"ring append, 200 values, 3 readers", micros(ours["ns/op"]), micros(floor["ns/op"]), "copy under a mutex", ratio(ours["ns/op"], floor["ns/op"]), ""}}, nil
}

// scrape runs the benchmark of /metrics.
func scrape(o *options) ([]row, error) {
	found, err := goBench(o, "./exporters/prom", "Scrape", "1s")
	if err != nil {
		return nil, err
	}
	r := found["Scrape/series=500"]
	if r == nil {
		return nil, fmt.Errorf("scrape benchmark is called otherwise: %v", found)
	}
	return []row{{"/metrics, 500 series, no gzip", micros(r["ns/op"]), "", fmt.Sprintf("%.0f allocations", r["allocs/op"]), "", "<= 1500 µs"}}, nil
}

// startFinish measures Init and Finish of an offline run with everything on.
func startFinish(*options) ([]row, error) {
	dir, err := os.MkdirTemp("", "bench-start-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var inits, ends []float64
	for range 15 {
		start := time.Now()
		run, err := runapi.Init(context.Background(), runapi.Settings{Dir: dir, Mode: runapi.ModeOffline, Environ: []string{}})
		if err != nil {
			return nil, err
		}
		inits = append(inits, float64(time.Since(start)))
		time.Sleep(300 * time.Millisecond)
		start = time.Now()
		if err := run.Finish(0); err != nil {
			return nil, err
		}
		ends = append(ends, float64(time.Since(start)))
	}
	slices.Sort(inits)
	slices.Sort(ends)
	ms := func(v float64) string { return fmt.Sprintf("%.1f ms", v/1e6) }
	return []row{
		{"Init, offline, median (worst of 15)", ms(inits[7]) + " (" + ms(inits[14]) + ")", "", "", "", "<= 50 ms"},
		{"Finish, offline, median (worst of 15)", ms(ends[7]) + " (" + ms(ends[14]) + ")", "", "", "", "<= 100 ms"},
	}, nil
}

// binarySize compares examples/train with the same training without runapi,
// both stripped.
func binarySize(o *options) ([]row, error) {
	dir, err := os.MkdirTemp("", "bench-size-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	size := func(tags string) (float64, error) {
		out := filepath.Join(dir, "train"+tags)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", tags, "-o", out, "./examples/train")
		cmd.Dir = o.root
		if text, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("build examples/train: %w\n%s", err, text)
		}
		st, err := os.Stat(out)
		if err != nil {
			return 0, err
		}
		return float64(st.Size()) / 1e6, nil
	}
	with, err := size("")
	if err != nil {
		return nil, err
	}
	without, err := size("bare")
	if err != nil {
		return nil, err
	}
	mb := func(v float64) string { return fmt.Sprintf("%.1f MB", v) }
	return []row{{"examples/train, stripped", mb(with), mb(without), "without runapi (-tags bare)", ratio(with, without), "<= 10 MB added"}}, nil
}
