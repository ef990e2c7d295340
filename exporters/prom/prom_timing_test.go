//go:build unix

package prom

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// The budget is 1.5 ms of CPU for 500 series: cpu-ns/op, which counts every
// thread of the process.
func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{500, 5000} {
		b.Run(fmt.Sprintf("series=%d", n), func(b *testing.B) {
			bb := newBench(b)
			var puts []put
			for i := range n {
				d := sample.Desc{
					Name: fmt.Sprintf("system.metric%d.time", i/10), Unit: "s", Kind: sample.Counter, Help: "Time of a thing.",
					Labels: label("cpu.mode", fmt.Sprintf("mode%d", i%10), "cpu.logical_number", "12"),
				}
				puts = append(puts, put{bb.add("", d), float64(i) * 1234.567})
			}
			bb.at(1, puts...)
			h, req := bb.e.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, req)
				if got := strings.Count(rec.Body.String(), "\n"); got != n+2*(n/10)+3 {
					b.Fatalf("got %d lines, want %d", got, n+2*(n/10)+3)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime is what the process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}
