package upload

import (
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// TestSummariesCollected: whatever records come, collecting them gives the
// summary that applying each of them gives.
func TestSummariesCollected(t *testing.T) {
	paths := [][]string{{"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "d"}, {"e"}, {"a.b"}}
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		f := newFeed()
		want := runlog.NewState()
		for n := range 1 + r.IntN(30) {
			rec := &wandbpb.SummaryRecord{Derived: r.IntN(2) == 0, Pinned: r.IntN(8) == 0}
			for range 1 + r.IntN(3) {
				path := paths[r.IntN(len(paths))]
				item := &wandbpb.SummaryItem{NestedKey: path, ValueJson: itoa(n)}
				if len(path) == 1 && r.IntN(2) == 0 {
					item = &wandbpb.SummaryItem{Key: path[0], ValueJson: itoa(n)}
				}
				if r.IntN(10) == 0 {
					rec.Unpin = append(rec.Unpin, item)
				}
				if r.IntN(10) == 0 {
					rec.Remove = append(rec.Remove, item)
				} else {
					rec.Update = append(rec.Update, item)
				}
			}
			msg := &wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: rec}}
			payload, err := proto.Marshal(msg)
			if err != nil {
				t.Fatal(err)
			}
			head, _ := parseRecord(payload)
			f.apply("", &head, false)
			if err := want.Apply(msg); err != nil {
				t.Fatal(err)
			}
			if r.IntN(5) == 0 {
				f.settleSummary()
			}
		}
		got, _ := xjson.AppendValue(nil, f.summary())
		exp, _ := xjson.AppendValue(nil, want.Summary())
		if string(got) != string(exp) {
			t.Fatalf("seed %d: got %s, want %s", seed, got, exp)
		}
	}
}
