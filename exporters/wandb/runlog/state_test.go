package runlog

import (
	"math"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func floatRow(step int64, pairs ...any) *Row {
	r := &Row{Step: step, Runtime: float64(step) + 0.5, Timestamp: 1.7e9}
	for i := 0; i < len(pairs); i += 2 {
		it := Item{Key: NewKey(splitName(pairs[i].(string))...)}
		switch v := pairs[i+1].(type) {
		case float64:
			it.F = v
		case int:
			it.Kind, it.I = Int, int64(v)
		case string:
			it.Kind, it.JSON = JSON, []byte(v)
		}
		r.Items = append(r.Items, it)
	}
	return r
}

func pinSummary(key, json string) *wandbpb.Record {
	rec := setSummary([]string{key}, json)
	rec.GetSummary().Pinned = true
	return rec
}

func setSummary(path []string, json string) *wandbpb.Record {
	return &wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: &wandbpb.SummaryRecord{
		Update: []*wandbpb.SummaryItem{{NestedKey: path, ValueJson: json}},
	}}}
}

func metric(name string, flags *wandbpb.MetricSummary) *wandbpb.MetricRecord {
	return &wandbpb.MetricRecord{Name: name, Summary: flags, Options: &wandbpb.MetricOptions{Defined: true}}
}

type object = map[string]any

func TestSummaryRules(t *testing.T) {
	for _, c := range []struct {
		name string
		def  *wandbpb.MetricSummary
		feed func(*State)
		want any // of key x
	}{
		{"last value by default", nil, func(s *State) {
			s.Row(floatRow(0, "x", 3.5))
			s.Row(floatRow(1, "x", 2.5))
		}, 2.5},
		{"chosen aggregates only", &wandbpb.MetricSummary{Min: true, Mean: true}, func(s *State) {
			s.Row(floatRow(0, "x", 3.0))
			s.Row(floatRow(1, "x", 1.5))
			s.Row(floatRow(2, "x", 4.5))
		}, object{"min": 1.5, "mean": int64(3)}},
		{"first, last and max", &wandbpb.MetricSummary{First: true, Last: true, Max: true}, func(s *State) {
			s.Row(floatRow(0, "x", 3.5))
			s.Row(floatRow(1, "x", 9.5))
			s.Row(floatRow(2, "x", 4.5))
		}, object{"first": 3.5, "last": 4.5, "max": 9.5}},
		{"copy gives the last value", &wandbpb.MetricSummary{Copy: true}, func(s *State) {
			s.Row(floatRow(0, "x", 1.5))
			s.Row(floatRow(1, "x", 0.5))
		}, 0.5},
		{"best is the least number without a goal, and NaN is none", &wandbpb.MetricSummary{Best: true}, func(s *State) {
			s.Row(floatRow(0, "x", math.NaN()))
			s.Row(floatRow(1, "x", 0.5))
			s.Row(floatRow(2, "x", 1.5))
		}, object{"best": 0.5}},
		{"best is the greatest number when more is better", &wandbpb.MetricSummary{Best: true}, func(s *State) {
			m := metric("x", nil)
			m.Goal = wandbpb.MetricRecord_GOAL_MAXIMIZE
			s.Define(m)
			s.Row(floatRow(0, "x", 0.5))
			s.Row(floatRow(1, "x", 1.5))
			s.Row(floatRow(2, "x", 1.25))
		}, object{"best": 1.5}},
		{"percentiles", &wandbpb.MetricSummary{P50: true, P95: true}, func(s *State) {
			for i := range int64(3) {
				s.Row(floatRow(i, "x", 8.5))
			}
		}, object{"p50": 8.5, "p95": 8.5}},
		{"pinned, and logged after that", &wandbpb.MetricSummary{Min: true}, func(s *State) {
			s.Row(floatRow(0, "x", 1.5))
			s.Apply(pinSummary("x", "7"))
			s.Row(floatRow(1, "x", 0.5))
		}, int64(7)},
		{"pinned, and another writer's derived value", nil, func(s *State) {
			s.Apply(pinSummary("x", "7"))
			rec := setSummary([]string{"x"}, "8")
			rec.GetSummary().Derived = true
			s.Apply(rec)
		}, int64(7)},
		{"pinned and released: the aggregates saw every row", &wandbpb.MetricSummary{Min: true}, func(s *State) {
			s.Row(floatRow(0, "x", 1.5))
			s.Apply(pinSummary("x", "7"))
			s.Row(floatRow(1, "x", 0.5))
			s.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: &wandbpb.SummaryRecord{
				Unpin: []*wandbpb.SummaryItem{{NestedKey: []string{"x"}}},
			}}})
		}, object{"min": 0.5}},
		{"pinned, then set: the row replaces it", nil, func(s *State) {
			s.Apply(pinSummary("x", "7"))
			s.Apply(setSummary([]string{"x"}, "8"))
			s.Row(floatRow(1, "x", 0.5))
		}, 0.5},
		{"none", &wandbpb.MetricSummary{None: true}, func(s *State) {
			s.Row(floatRow(0, "x", 1.5))
			s.Apply(setSummary([]string{"x"}, "7"))
		}, nil},
		{"set by the user, aggregates off for good", &wandbpb.MetricSummary{Min: true}, func(s *State) {
			s.Row(floatRow(0, "x", 1.5))
			s.Apply(setSummary([]string{"x"}, "7"))
			s.Row(floatRow(1, "x", 5.5))
		}, 5.5},
		{"set by the user, not logged again", nil, func(s *State) {
			s.Row(floatRow(0, "x", 1.5))
			s.Apply(setSummary([]string{"x"}, `"best"`))
		}, "best"},
		{"a path below an object replaces it", nil, func(s *State) {
			s.Apply(setSummary([]string{"x"}, `{"a":1}`))
			s.Apply(setSummary([]string{"x", "b"}, "2"))
		}, object{"b": int64(2)}},
		{"an object replaces the paths below it", nil, func(s *State) {
			s.Row(floatRow(0, "x.a", 1.5, "x.b", 2.5))
			s.Apply(setSummary([]string{"x"}, `{"c":1}`))
		}, object{"c": int64(1)}},
		{"removal takes everything below", nil, func(s *State) {
			s.Row(floatRow(0, "x.a", 1.5, "x.b.c", 2.5))
			s.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: &wandbpb.SummaryRecord{
				Remove: []*wandbpb.SummaryItem{{Key: "x"}},
			}}})
		}, nil},
		{"text with min", &wandbpb.MetricSummary{Min: true}, func(s *State) {
			s.Row(floatRow(0, "x", `"a"`))
			s.Row(floatRow(1, "x", 2.5))
			s.Row(floatRow(2, "x", `"b"`))
		}, object{"min": 2.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewState()
			if c.def != nil {
				s.Define(metric("x", c.def))
			}
			c.feed(s)
			if got := s.Summary()["x"]; !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
		})
	}
}

func TestSummaryHasTheRunsOwnValues(t *testing.T) {
	s := NewState()
	s.Row(floatRow(4, "x", math.NaN()))
	got := s.Summary()
	if got["_step"] != int64(4) || got["_runtime"] != 4.5 || got["_timestamp"] != int64(1.7e9) ||
		!reflect.DeepEqual(got["_wandb"], object{"runtime": int64(4)}) || !math.IsNaN(got["x"].(float64)) {
		t.Errorf("got %v", got)
	}
	if s.LastStep != 4 || s.Rows != 1 || s.LastRuntime != 4.5 {
		t.Errorf("got %+v", s)
	}
}

func TestTakeSummaryHasOnlyChanges(t *testing.T) {
	s := NewState()
	s.Row(floatRow(0, "x", 1.5, "y", 2.5))
	if rec := s.TakeSummary(); len(rec.GetUpdate()) != 6 || !rec.GetDerived() {
		t.Errorf("first: got %v, want x, y and four own values", rec)
	}
	if rec := s.TakeSummary(); rec != nil {
		t.Errorf("nothing new: got %v, want nil", rec)
	}
	s.Apply(setSummary([]string{"y"}, "7"))
	if rec := s.TakeSummary(); len(rec.GetUpdate()) != 1 || rec.GetUpdate()[0].GetValueJson() != "7" {
		t.Errorf("one change: got %v", rec)
	}
}

// The log alone must give the state that the writer had. Protection: the
// derived mark of summary records.
func TestReplayedLogGivesTheSameState(t *testing.T) {
	s, replay := NewState(), NewState()
	log := func(rec *wandbpb.Record) {
		check(t, s.Apply(rec))
		check(t, replay.Apply(rec))
	}
	log(&wandbpb.Record{RecordType: &wandbpb.Record_Metric{Metric: metric("x", &wandbpb.MetricSummary{Min: true, Mean: true, Best: true, P95: true})}})
	log(&wandbpb.Record{RecordType: &wandbpb.Record_Metric{Metric: metric("y", &wandbpb.MetricSummary{Max: true})}})
	for i := range int64(9) {
		row := floatRow(i, "x", 1/float64(i+1), "y", float64(i), "z.a", int(i))
		for _, m := range s.Row(row) {
			check(t, replay.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Metric{Metric: m}}))
		}
		check(t, replay.Apply(rowRecord(row)))
		if i%3 == 1 {
			check(t, replay.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: s.TakeSummary()}}))
		}
		if i == 4 {
			log(setSummary([]string{"y"}, "100"))
			log(pinSummary("z", "1"))
		}
	}
	if got, want := replay.Summary(), s.Summary(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	x, _ := s.Summary()["x"].(object)
	if want := (object{"min": 1.0 / 9, "best": 1.0 / 9, "mean": x["mean"], "p95": x["p95"]}); !reflect.DeepEqual(s.Summary()["x"], want) {
		t.Errorf("x: got %v, want %v", s.Summary()["x"], want)
	}
}

// Other writers derive their summary before each row and mark nothing: there
// only the summary records count.
func TestForeignSummaryIsTakenAsItIs(t *testing.T) {
	s := NewState()
	for _, rec := range []*wandbpb.Record{
		{RecordType: &wandbpb.Record_Header{Header: &wandbpb.HeaderRecord{VersionInfo: &wandbpb.VersionInfo{Producer: "0.28.3+abc"}}}},
		{RecordType: &wandbpb.Record_Metric{Metric: metric("x", &wandbpb.MetricSummary{Min: true})}},
		setSummary([]string{"x"}, `{"min":1}`),
		rowRecord(floatRow(0, "x", 2.0)),
	} {
		check(t, s.Apply(rec))
	}
	if got := s.Summary(); !reflect.DeepEqual(got, object{"x": object{"min": int64(1)}}) {
		t.Errorf("got %v", got)
	}
}

func TestGlobsAndStepMetrics(t *testing.T) {
	s := NewState()
	s.Define(&wandbpb.MetricRecord{
		GlobName: "val/*", StepMetric: "epoch", Summary: &wandbpb.MetricSummary{Max: true},
		Options: &wandbpb.MetricOptions{StepSync: true, Defined: true},
	})
	row := floatRow(0, "val/acc", 0.5, "_hidden", 1.0)
	expanded := s.Row(row)
	if len(expanded) != 1 || expanded[0].GetName() != "val/acc" || !expanded[0].GetExpandedFromGlob() || expanded[0].GetGlobName() != "" {
		t.Fatalf("got %v, want one definition for val/acc", expanded)
	}
	if n := len(row.Items); n != 3 || row.Items[2].Key != NewKey("epoch") || row.Items[2].F != 0 || row.Items[2].Kind != Float {
		t.Errorf("got items %v, want epoch 0 inserted", row.Items)
	}
	s.Row(floatRow(1, "epoch", 7))
	row = floatRow(2, "val/acc", 0.75)
	if again := s.Row(row); again != nil {
		t.Errorf("second time: got %v, want nothing", again)
	}
	if n := len(row.Items); n != 2 || row.Items[1].F != 7 {
		t.Errorf("got items %v, want epoch 7 inserted", row.Items)
	}
	row = floatRow(3, "val/acc", 0.25, "epoch", 8)
	if s.Row(row); len(row.Items) != 2 {
		t.Errorf("got items %v, want none inserted: the row has epoch", row.Items)
	}
	if got := s.Summary()["val/acc"]; !reflect.DeepEqual(got, object{"max": 0.75}) {
		t.Errorf("summary: got %v", got)
	}
}

func TestMetricMerge(t *testing.T) {
	s := NewState()
	s.Define(&wandbpb.MetricRecord{Name: "x", StepMetric: "a", Goal: wandbpb.MetricRecord_GOAL_MINIMIZE, Summary: &wandbpb.MetricSummary{Min: true, None: true}})
	s.Define(&wandbpb.MetricRecord{Name: "x", Options: &wandbpb.MetricOptions{Hidden: true}, Summary: &wandbpb.MetricSummary{Max: true}})
	want := &wandbpb.MetricRecord{
		Name: "x", StepMetric: "a", Goal: wandbpb.MetricRecord_GOAL_MINIMIZE,
		Options: &wandbpb.MetricOptions{Hidden: true}, Summary: &wandbpb.MetricSummary{Min: true, Max: true},
	}
	if got := s.Metrics()[0]; !proto.Equal(got, want) {
		t.Errorf("merge: got %v, want %v", got, want)
	}
	s.Define(&wandbpb.MetricRecord{Name: "x", XControl: &wandbpb.MetricControl{Overwrite: true}})
	if got := s.Metrics()[0]; !proto.Equal(got, &wandbpb.MetricRecord{Name: "x"}) {
		t.Errorf("overwrite: got %v, want nothing but the name", got)
	}
}

func TestConfigRules(t *testing.T) {
	s := NewState()
	apply := func(update, remove []*wandbpb.ConfigItem) error {
		return s.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Config{Config: &wandbpb.ConfigRecord{Update: update, Remove: remove}}})
	}
	item := func(json string, path ...string) *wandbpb.ConfigItem {
		return &wandbpb.ConfigItem{NestedKey: path, ValueJson: json}
	}
	check(t, apply([]*wandbpb.ConfigItem{
		item(`{"a":1,"b":{"c":2}}`, "o"), item("0.1", "lr"), {Key: "dot.ted", ValueJson: "true"}, item("[1]", "l"),
	}, nil))
	check(t, apply([]*wandbpb.ConfigItem{
		item(`{"b":{"d":3}}`, "o"), item("{}", "lr"), item(`{}`, "new"), item(`"x"`, "deep", "er"), item("NaN", "l"),
	}, []*wandbpb.ConfigItem{{NestedKey: []string{"o", "a"}}, {Key: "missing"}}))
	l := s.Config()["l"].(float64)
	delete(s.Config(), "l")
	want := object{"o": object{"b": object{"c": int64(2), "d": int64(3)}}, "lr": 0.1, "dot.ted": true, "deep": object{"er": "x"}}
	if !reflect.DeepEqual(s.Config(), want) || !math.IsNaN(l) {
		t.Errorf("got %v, want %v", s.Config(), want)
	}
	if err := apply([]*wandbpb.ConfigItem{item("nan", "bad"), item("1", "good")}, nil); err == nil || s.Config()["good"] != int64(1) {
		t.Errorf("bad JSON: got %v, %v, want an error and the good value", err, s.Config())
	}
}

func TestRunRecordsMerge(t *testing.T) {
	s := NewState()
	check(t, s.Apply(runRecord()))
	check(t, s.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: &wandbpb.RunRecord{RunId: "abc", Tags: []string{"a"}, DisplayName: "n"}}}))
	check(t, s.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: &wandbpb.RunRecord{RunId: "abc", Tags: []string{"b"}}}}))
	if r := s.Run; r.GetProject() != "p" || r.GetDisplayName() != "n" || !reflect.DeepEqual(r.GetTags(), []string{"b"}) || r.GetStartTime().GetSeconds() != 1.7e9 {
		t.Errorf("got %v", r)
	}
	check(t, s.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: &wandbpb.RunRecord{RunId: "abc", Notes: "x", Cleared: []string{"tags", "notes"}}}}))
	if r := s.Run; r.GetNotes() != "x" || len(r.GetTags()) != 0 || len(r.GetCleared()) != 0 || r.GetDisplayName() != "n" {
		t.Errorf("after a record that clears tags: %v", r)
	}
}

func TestStateRowDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := NewState()
	s.Define(metric("loss", &wandbpb.MetricSummary{Min: true}))
	row := someRow(1)
	s.Row(row)
	s.TakeSummary()
	s.Row(row)
	if n := testing.AllocsPerRun(1000, func() { s.Row(row) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
