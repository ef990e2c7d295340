//go:build linux

package host

import (
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// BenchmarkFast compares the fast tier with its floor, one pread to the end of
// each file that it reads, paired in one process: x-floor is the ratio, to be
// at most 1.25.
func BenchmarkFast(b *testing.B) {
	r := live(b)["host/fast"]
	r.describe()
	var files []*procfile.File
	for _, path := range fastFiles(r.Collector.(*Collector)) {
		f, err := procfile.Open(path)
		if err != nil {
			continue // absent in both
		}
		defer f.Close()
		files = append(files, f)
	}
	var buf procfile.Buffer
	floor := func() {
		for _, f := range files {
			if _, err := f.Read(&buf); err != nil {
				b.Fatal(err)
			}
		}
	}
	floor()
	r.mustTick()
	var ours, theirs time.Duration
	b.ReportAllocs()
	for b.Loop() {
		t0 := time.Now()
		err := r.tick()
		t1 := time.Now()
		floor()
		ours, theirs = ours+t1.Sub(t0), theirs+time.Since(t1)
		if err != nil {
			b.Fatal(err)
		}
	}
	if len(r.frame.Refs) < 60 {
		b.Fatalf("only %d values", len(r.frame.Refs))
	}
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "µs/tick")
	b.ReportMetric(float64(theirs.Microseconds())/float64(b.N), "µs/floor")
	b.ReportMetric(float64(ours)/float64(theirs), "x-floor")
}

// fastFiles are the paths of the files that the tier keeps open.
func fastFiles(c *Collector) []string {
	var list []string
	for _, m := range c.members {
		switch k := m.reader.(type) {
		case *stat:
			list = append(list, k.file.path)
		case *meminfo:
			list = append(list, k.file.path)
		case *loadavg:
			list = append(list, k.file.path)
		case *uptime:
			list = append(list, k.file.path)
		case *diskstats:
			list = append(list, k.file.path)
		case *netdev:
			list = append(list, k.file.path)
		case *pressure:
			list = append(list, k.file.path)
		}
	}
	return list
}

// BenchmarkFastParse is the fast tier on a machine with 62 CPUs, 6000
// interrupts and 8 disks, its files in memory of an ordinary filesystem.
func BenchmarkFastParse(b *testing.B) {
	r := newMachine(b, "numa64").sources()["host/fast"]
	r.describe()
	r.mustTick()
	b.ReportAllocs()
	for b.Loop() {
		if err := r.tick(); err != nil {
			b.Fatal(err)
		}
	}
	if len(r.frame.Refs) < 600 {
		b.Fatalf("only %d values", len(r.frame.Refs))
	}
}

func BenchmarkMedium(b *testing.B) {
	r := live(b)["host/medium"]
	r.describe()
	r.mustTick()
	b.ReportAllocs()
	for b.Loop() {
		if err := r.tick(); err != nil {
			b.Fatal(err)
		}
	}
}
