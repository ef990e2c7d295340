//go:build linux

package tree

import (
	"bufio"
	"context"
	"os/exec"
	"strconv"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// BenchmarkTick reads a real tree of 73 processes and about 769 threads: the
// test program and 72 children of it with 10 threads and more each.
func BenchmarkTick(b *testing.B) {
	for range 72 {
		startThreads(b, 7)
	}
	tr, err := Open(Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer tr.Close()
	src := tr.Sources("bench")
	f := &sample.Frame{}
	for i, name := range []string{"fast", "medium"} {
		c := src[i].Collector
		if err := c.Describe(sample.NewSchema(0)); err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/processes=73", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Reset()
				if err := c.Collect(context.Background(), f); err != nil {
					b.Fatal(err)
				}
			}
			if tr.count() != 73 {
				b.Fatalf("tree has %d members, want 73", tr.count())
			}
			var threads uint64
			for _, m := range tr.members {
				threads += m.cur.threads
			}
			b.ReportMetric(float64(threads), "threads")
		})
	}
}

// startThreads starts a child with n threads of its own beside the runtime's;
// it ends with the test.
func startThreads(tb testing.TB, n int) *exec.Cmd {
	tb.Helper()
	cmd := helper("threads", nil, strconv.Itoa(n))
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { in.Close(); cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		tb.Fatal(err)
	}
	return cmd
}
