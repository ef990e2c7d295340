package upload

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// sink takes everything and keeps nothing.
func sink(t testing.TB) *api.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/graphql" {
			io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, "{}")
			return
		}
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.Contains(string(body), "UpsertBucket"):
			fmt.Fprint(w, `{"data":{"upsertBucket":{"bucket":{"id":"x","name":"abc","historyLineCount":0,"project":{"name":"p","entity":{"name":"e"}}},"inserted":true}}}`)
		case strings.Contains(string(body), "createRunFiles"):
			url := "http://" + r.Host + "/put"
			fmt.Fprintf(w, `{"data":{"createRunFiles":{"runID":"x","files":[{"name":"config.yaml","uploadUrl":%q},{"name":"wandb-summary.json","uploadUrl":%q}]}}}`, url, url)
		default:
			fmt.Fprint(w, `{"data":{"serverInfo":{"features":[]}}}`)
		}
	}))
	t.Cleanup(s.Close)
	c, err := api.New(api.Options{BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// BenchmarkSync/rows=1000000/keys=5 sends a run to a server that keeps nothing,
// in this process; summaries is whether each row has its summary record, as in
// logs of the official client.
func BenchmarkSync(b *testing.B) {
	const rows, keys = 1_000_000, 5
	for _, summaries := range []bool{false, true} {
		b.Run(fmt.Sprintf("rows=%d/keys=%d/summaries=%v", rows, keys, summaries), func(b *testing.B) {
			dir := longRun(b, rows, keys, summaries)
			client := sink(b)
			b.ReportAllocs()
			for b.Loop() {
				os.Remove(PositionPath(dir))
				os.Remove(syncStatePath(dir))
				u, err := New(Options{Dir: dir, Client: client})
				if err != nil {
					b.Fatal(err)
				}
				begin := time.Now()
				rep, err := u.Run(b.Context())
				if err != nil || rep.Rows.Sent != rows {
					b.Fatalf("sent %d rows: %v", rep.Rows.Sent, err)
				}
				b.ReportMetric(rows/time.Since(begin).Seconds(), "rows/s")
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-from-OS")
		})
	}
}

// longRun is a finished log of many rows.
func longRun(b *testing.B, rows int64, keys int, summaries bool) *runlog.Dir {
	b.Helper()
	l := newLog(b, &wandbpb.RunRecord{RunId: "abc", Project: "p"})
	var names []runlog.Key
	for i := range keys {
		names = append(names, runlog.NewKey(fmt.Sprintf("train/metric_%d", i)))
	}
	for i := range rows {
		row := runlog.Row{Step: i, Runtime: float64(i) / 100, Timestamp: 1_700_000_000 + float64(i)/100}
		sum := &wandbpb.SummaryRecord{}
		for k, name := range names {
			v := 1 / float64(i+int64(k)+1)
			row.Items = append(row.Items, runlog.Item{Key: name, F: v})
			sum.Update = append(sum.Update, &wandbpb.SummaryItem{NestedKey: name.Path(), ValueJson: string(xjson.AppendFloat(nil, v))})
		}
		if summaries {
			l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: sum}})
		}
		if err := l.w.Row(&row); err != nil {
			b.Fatal(err)
		}
	}
	l.exit(0)
	return l.dir
}
