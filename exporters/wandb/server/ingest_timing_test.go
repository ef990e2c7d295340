package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// BenchmarkIngest stores requests of ten megabytes of rows of 150 bytes, over
// loopback and onto the disk.
func BenchmarkIngest(b *testing.B) {
	const rows = 10 << 20 / 150
	s := newSite(b, server.Options{Dir: b.TempDir()})
	s.run("r1")
	var lines strings.Builder
	for i := range rows {
		if i > 0 {
			lines.WriteByte(',')
		}
		fmt.Fprintf(&lines, `"{\"_step\":%d,\"_runtime\":12.345678,\"_timestamp\":1787313615.123456,\"loss\":0.123456789,\"accuracy\":0.987654321,\"throughput\":123456.789,\"epoch\":%d}"`, i, i/1000)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		body := fmt.Appendf(nil, `{"files":{"wandb-history.jsonl":{"offset":%d,"content":[%s]}}}`, n*rows, lines.String())
		if status, text, _ := s.send(http.MethodPost, s.url+"/files/local/p/r1/file_stream", body, nil); status != http.StatusOK {
			b.Fatalf("request %d: %d %s", n, status, text)
		}
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/rows, "ns/row")
	if got := s.must(`query Q {project(name: "p", entityName: "local") {run(name: "r1") {historyLineCount}}}`, nil, "project", "run", "historyLineCount"); got != float64(n*rows) {
		b.Errorf("got %v rows, want %d", got, n*rows)
	}
}
