package stream

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkParse reads a request as it comes from a busy run: ten megabytes of
// rows of 150 bytes.
func BenchmarkParse(b *testing.B) {
	const rows = 10 << 20 / 150
	var body strings.Builder
	body.WriteString(`{"files":{"wandb-history.jsonl":{"offset":0,"content":[`)
	for i := range rows {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `"{\"_step\":%d,\"_runtime\":12.345678,\"_timestamp\":1787313615.123456,\"loss\":0.123456789,\"accuracy\":0.987654321,\"throughput\":123456.789,\"epoch\":%d}"`, i, i/1000)
	}
	body.WriteString(`]}}}`)
	text := []byte(body.String())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		req, err := Parse(text)
		if err != nil || len(req.Chunks) != 1 || len(req.Chunks[0].Lines) != rows {
			b.Fatalf("got %v, %v", req, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
