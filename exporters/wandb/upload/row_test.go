package upload

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// historyBody encodes a history record; each item is key, value, or for a path
// a/b, value.
func historyBody(t testing.TB, items ...string) []byte {
	t.Helper()
	h := &wandbpb.HistoryRecord{}
	for i := 0; i+1 < len(items); i += 2 {
		it := &wandbpb.HistoryItem{ValueJson: items[i+1]}
		if path := strings.Split(items[i], "/"); len(path) > 1 {
			it.NestedKey = path
		} else {
			it.Key = items[i]
		}
		h.Item = append(h.Item, it)
	}
	return marshal(t, h)
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRow(t *testing.T) {
	f := func(want string, items ...string) {
		t.Helper()
		m := rowMaker{lastStep: -1}
		if got := string(m.make(historyBody(t, items...))); got != want {
			t.Errorf("%q: got %s, want %s", items, got, want)
		}
	}
	f(`{}`)
	f(`{"loss":1.5,"_step":3}`, "loss", "1.5", "_step", "3")
	f(`{"loss":NaN,"a":{"b":2},"_step":0}`, "loss", "NaN", "a/b", "2", "_step", "0")
	f(`{"a":{"b":1,"c":{"d":3}},"x":2}`, "a/b", "1", "x", "2", "a/c/d", "3")             // together, at the place of the first
	f(`{"a":{"b":2}}`, "a", "1", "a/b", "2")                                             // an object replaces a value
	f(`{"a":5}`, "a/b", "2", "a", "5")                                                   // and the other way round
	f(`{"a":{"b":7}}`, "a/b", "2", "a/b", "7")                                           // the later value stands
	f(`{"k\"\n":1,"é":2}`, "k\"\n", "1", "é", "2")                                       // keys are quoted
	f(`{"x":1}`, "o", "{}", "x", "1")                                                    // empty objects vanish
	f(`{"x":1,"y":10,"z":100000,"w":-0}`, "x", "1.0", "y", "1e1", "z", "1E5", "w", "-0") // as the official codec prints
	f(`{"x":"not json","y":"[1,"}`, "x", "not json", "y", "[1,")
	f(`{"x":{"a":  [1,2]}}`, "x", "{\"a\":\n\r[1,2]}") // a line stays one line
	f(`{"x":9223372036854775807,"y":18446744073709552000}`, "x", "9223372036854775807", "y", "18446744073709551615")
	f(`{"":1}`, "", "1")
}

// TestStepRule: rows keep their order, and no two have one step.
func TestStepRule(t *testing.T) {
	m := rowMaker{lastStep: -1, shift: 100}
	for i, c := range []struct{ own, want string }{
		{"0", "100"}, {"5", "105"}, {"5", "106"}, {"2", "107"}, {"7.0", "108"}, {"20", "120"}, {`"x"`, "121"}, {"NaN", "122"},
	} {
		if got, want := string(m.make(historyBody(t, "_step", c.own))), `{"_step":`+c.want+`}`; got != want {
			t.Errorf("row %d with step %s: got %s, want %s", i, c.own, got, want)
		}
	}
	if m.moved != 5 {
		t.Errorf("moved: got %d, want 5", m.moved)
	}
	shared := rowMaker{lastStep: -1, shared: true}
	if got := string(shared.make(historyBody(t, "_step", "3", "a", "1"))); got != `{"a":1}` {
		t.Errorf("shared: got %s", got)
	}
	beside := rowMaker{lastStep: -1}
	body := marshal(t, &wandbpb.HistoryRecord{Step: &wandbpb.HistoryStep{Num: 4}, Item: []*wandbpb.HistoryItem{{Key: "a", ValueJson: "1"}}})
	if got := string(beside.make(body)); got != `{"a":1,"_step":4}` {
		t.Errorf("step beside the items: got %s", got)
	}
	resumed := rowMaker{lastStep: -1, earlier: 60}
	if got := string(resumed.make(historyBody(t, "_runtime", "1.5"))); got != `{"_runtime":61.5}` {
		t.Errorf("earlier sessions: got %s", got)
	}
}

// TestWideRow: a row with very many nested keys costs no more than its size.
func TestWideRow(t *testing.T) {
	h := &wandbpb.HistoryRecord{}
	for i := range 50_000 {
		h.Item = append(h.Item, &wandbpb.HistoryItem{NestedKey: []string{"a", "k" + strings.Repeat("x", i%7) + string(rune('0'+i%10)) + "_" + itoa(i)}, ValueJson: "1"})
	}
	m := rowMaker{lastStep: -1}
	v, err := xjson.Decode(m.make(marshal(t, h)))
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := v.(map[string]any)["a"].(map[string]any); len(a) != 50_000 {
		t.Errorf("got %d keys, want 50000", len(a))
	}
}

func itoa(i int) string { return string(xjson.AppendInt(nil, int64(i))) }

func TestStats(t *testing.T) {
	m := statsMaker{start: 1_787_313_600, label: "n1"}
	body := marshal(t, &wandbpb.StatsRecord{
		Timestamp: stampOf(1_787_313_615, 0),
		Item:      []*wandbpb.StatsItem{{Key: "gpu.0.gpu", ValueJson: "50"}, {Key: "cpu/l:n2", ValueJson: "1.5"}},
	})
	want := `{"_wandb":true,"_timestamp":1787313615,"_runtime":15,"system.gpu.0.gpu/l:n1":50,"system.cpu/l:n2":1.5}`
	if got := string(m.make(body)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzRow: whatever a log holds, a row is one line of extended JSON, and the
// step rule holds.
func FuzzRow(f *testing.F) {
	f.Add(historyBody(f, "a", "1", "b/c", "[1, 2.50]", "_step", "3"))
	f.Add(historyBody(f, "a", "\"\\u00e9\"", "a/b", "{\"x\":\n1}", "_runtime", "1e3"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m := rowMaker{lastStep: 7, shift: 2, earlier: 1}
		for range 2 {
			line := m.make(body)
			if line == nil {
				return
			}
			if _, err := xjson.Decode(line); err != nil || bytes.ContainsAny(line, "\n\r") {
				t.Fatalf("%q became %q: %v", body, line, err)
			}
		}
		if m.lastStep < 7 {
			t.Errorf("the step went back to %d", m.lastStep)
		}
	})
}

// FuzzValue: a value that is JSON keeps its meaning, any other becomes text.
func FuzzValue(f *testing.F) {
	for _, s := range []string{"1", "-0", "1.50", "1e400", "[1,{\"a\":null}]", "NaN", "-Infinity", "\"\\ud83d\"", "{\"a\":1,}", "01", "1 ", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := xjson.Decode(appendValue(nil, []byte(text)))
		if err != nil {
			t.Fatalf("%q became %q: %v", text, appendValue(nil, []byte(text)), err)
		}
		want, err := xjson.Decode([]byte(text))
		if err != nil {
			want = strings.ToValidUTF8(text, "\ufffd")
			if _, isText := got.(string); !isText {
				t.Errorf("%q is no JSON and became %v", text, got)
			}
			return
		}
		a, errA := xjson.AppendValue(nil, got)
		b, errB := xjson.AppendValue(nil, want)
		if !bytes.Equal(a, b) || errA != nil || errB != nil {
			t.Errorf("%q means %s, and became %s", text, b, a)
		}
	})
}

// FuzzRecord: no bytes make the reading of a record fail otherwise than by
// saying that it is none.
func FuzzRecord(f *testing.F) {
	f.Add(marshal(f, &wandbpb.Record{Num: 3, Uuid: "keeper:17", RecordType: &wandbpb.Record_Exit{Exit: &wandbpb.RunExitRecord{ExitCode: 1}}}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, ok := parseRecord(payload)
		want := new(wandbpb.Record)
		if proto.Unmarshal(payload, want) != nil || !ok {
			return
		}
		if got.num != want.GetNum() && !bytes.Contains(payload, []byte{8}) {
			t.Errorf("number: got %d, want %d", got.num, want.GetNum())
		}
		m := statsMaker{}
		m.make(got.body)
	})
}

// FuzzPosition: a position that is read can be written and read again.
func FuzzPosition(f *testing.F) {
	f.Add([]byte(`{"version":1,"sources":{"":3,"keeper":8},"history":3,"intent":[{"source":"","to":5}],"files":{"a":"b"}}`))
	f.Add([]byte(`{"version":1,"history":-1}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte("\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePosition(text)
		if err != nil {
			return
		}
		if p.Sources == nil || p.History < 0 || p.LastStep < -1 {
			t.Fatalf("%q was accepted as %+v", text, p)
		}
		path := t.TempDir() + "/p"
		if err := p.save(path); err != nil {
			t.Fatal(err)
		}
		again, err := readPosition(path)
		if err != nil || again.History != p.History || len(again.Sources) != len(p.Sources) || len(again.Intent) != len(p.Intent) {
			t.Errorf("%+v was read back as %+v: %v", p, again, err)
		}
	})
}

// TestAsLogged: rows of a part are sent as their writer logged them, also when
// they are read from the log that they were folded into.
func TestAsLogged(t *testing.T) {
	m := rowMaker{lastStep: -1, part: true}
	for i, want := range []string{`{"a":1,"_step":3,"z":2}`, `{"b":{"c":1},"d":2,"_step":4}`, `{"x":1,"_step":5}`} {
		body := [][]byte{
			historyBody(t, "a", "1", "_writer_step", "3", "_step", "77", "_writer", `"w"`, "z", "2"),
			historyBody(t, "b/c", "1", "d", "2", "_step", "4"),
			historyBody(t, "_writer", `"w"`, "x", "1", "_step", "78", "_writer_step", "5"),
		}[i]
		if got := string(m.make(body)); got != want {
			t.Errorf("row %d: got %s, want %s", i, got, want)
		}
	}
}
