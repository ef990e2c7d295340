package otel

import (
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Whatever a receiver answers: a success is read as one only if it is an OTLP
// message, and then says what that message says.
func FuzzAnswer(f *testing.F) {
	partial := &collector.ExportMetricsServiceResponse{PartialSuccess: &collector.ExportMetricsPartialSuccess{RejectedDataPoints: 3, ErrorMessage: "old"}}
	raw, _ := proto.Marshal(partial)
	text, _ := protojson.Marshal(partial)
	f.Add("application/x-protobuf", raw)
	f.Add("application/json", text)
	f.Add("", []byte{})
	f.Add("text/html", []byte("<html>"))
	f.Add("application/x-protobuf; charset=\xff", []byte("\xff"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		a := answer{status: 200}
		if a.read(contentType, body) != nil || len(body) == 0 {
			return
		}
		var bin, text collector.ExportMetricsServiceResponse
		isBin, isText := proto.Unmarshal(body, &bin) == nil, protojson.Unmarshal(body, &text) == nil
		switch got := a.rejected; {
		case isBin && got == bin.GetPartialSuccess().GetRejectedDataPoints():
		case isText && got == text.GetPartialSuccess().GetRejectedDataPoints():
		default:
			t.Errorf("%q with type %q is taken for an acknowledgement with %d rejected", body, contentType, got)
		}
	})
}

// A wait is never negative nor longer than the cap.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "5", "-1", "99999999999999999999", "Fri, 02 Jan 2026 03:04:05 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if d := retryAfter(v, time.Unix(1_700_000_000, 0)); d < 0 || d > maxWait {
			t.Errorf("retryAfter(%q) = %v", v, d)
		}
	})
}
