package runapi

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// call is one Log of a script.
type call struct {
	values map[string]any
	opts   []LogOption
	err    error
}

func TestStepRules(t *testing.T) {
	a := func(v int) map[string]any { return map[string]any{"a": v} }
	b := func(v int) map[string]any { return map[string]any{"b": v} }
	opts := func(o ...LogOption) []LogOption { return o }
	for _, test := range []struct {
		name   string
		script []call
		want   string // step:row of the history
		step   int64  // after the script
	}{
		{"plain", []call{{a(1), nil, nil}, {a(2), nil, nil}}, "0:map[a:1] 1:map[a:2]", 2},
		{"no commit", []call{{a(1), opts(NoCommit()), nil}, {b(2), nil, nil}, {a(3), nil, nil}}, "0:map[a:1 b:2] 1:map[a:3]", 2},
		{"later wins", []call{{a(1), opts(NoCommit()), nil}, {a(2), nil, nil}}, "0:map[a:2]", 1},
		{"open at finish", []call{{a(1), opts(NoCommit()), nil}, {b(2), opts(NoCommit()), nil}}, "0:map[a:1 b:2]", 0},
		{"ahead stays open", []call{{a(1), opts(AtStep(5)), nil}, {b(2), opts(AtStep(5)), nil}}, "5:map[a:1 b:2]", 5},
		{"ahead stores pending", []call{{a(1), opts(NoCommit()), nil}, {b(2), opts(AtStep(3)), nil}, {a(4), opts(AtStep(9)), nil}}, "0:map[a:1] 3:map[b:2] 9:map[a:4]", 9},
		{"at step with commit", []call{{a(1), opts(AtStep(4), Commit()), nil}, {b(2), nil, nil}}, "4:map[a:1] 5:map[b:2]", 6},
		{"commit said first", []call{{a(1), opts(Commit(), AtStep(4)), nil}, {b(2), nil, nil}}, "4:map[a:1] 5:map[b:2]", 6},
		{"plain closes at step", []call{{a(1), opts(AtStep(2)), nil}, {b(2), nil, nil}}, "2:map[a:1 b:2]", 3},
		{"back", []call{{a(1), nil, nil}, {a(2), nil, nil}, {b(3), opts(AtStep(1)), ErrStepBack}, {b(4), nil, nil}}, "0:map[a:1] 1:map[a:2] 2:map[b:4]", 3},
		{"back while open", []call{{a(1), opts(AtStep(7)), nil}, {b(3), opts(AtStep(6)), ErrStepBack}}, "7:map[a:1]", 7},
		{"negative", []call{{a(1), opts(AtStep(-1)), ErrStepBack}, {a(2), nil, nil}}, "0:map[a:2]", 1},
		{"beyond the limit", []call{{a(1), opts(AtStep(math.MaxInt64)), ErrKey}, {a(2), nil, nil}}, "0:map[a:2]", 1},
		{"same step again", []call{{a(1), opts(AtStep(0), Commit()), nil}, {a(2), opts(AtStep(0)), ErrStepBack}}, "0:map[a:1]", 1},
		{"empty row", []call{{map[string]any{}, nil, nil}, {a(1), nil, nil}}, "0:map[] 1:map[a:1]", 2},
		{"nested replaces", []call{{map[string]any{"o": map[string]any{"x": 1}}, opts(NoCommit()), nil}, {map[string]any{"o": 2}, nil, nil}}, "0:map[o:2]", 1},
		{"nested joins", []call{{map[string]any{"o": map[string]any{"x": 1}}, opts(NoCommit()), nil}, {map[string]any{"o": map[string]any{"y": 2}}, nil, nil}}, "0:map[o:map[x:1 y:2]]", 1},
		{"leaf then nested", []call{{map[string]any{"o": 2}, opts(NoCommit()), nil}, {map[string]any{"o": map[string]any{"y": 2}}, nil, nil}}, "0:map[o:map[y:2]]", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, quiet(t))
			refused := int64(0)
			for i, c := range test.script {
				err := r.Log(c.values, c.opts...)
				if !errors.Is(err, c.err) || (c.err == nil) != (err == nil) {
					t.Errorf("call %d: got error %v, want %v", i, err, c.err)
				}
				if c.err != nil {
					refused++
				}
			}
			if got := r.Step(); got != test.step {
				t.Errorf("step is %d, want %d", got, test.step)
			}
			if got := r.Counters().Refused; got != refused {
				t.Errorf("refused %d, want %d", got, refused)
			}
			var got []string
			steps, values := rows(load(t, r))
			for i := range steps {
				got = append(got, fmt.Sprintf("%d:%v", steps[i], values[i]))
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("history is %q, want %q", got, test.want)
			}
		})
	}
}

type named int8

type point struct {
	X float64 `json:"x"`
	Y int
	z int
}

func TestValues(t *testing.T) {
	r := start(t, quiet(t))
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	in := map[string]any{
		"f64": 1.5, "f32": float32(0.1), "nan": math.NaN(), "inf": math.Inf(1), "ninf": float32(math.Inf(-1)),
		"int": -3, "i8": int8(-8), "u8": uint8(200), "big": int64(1<<53 + 1), "min": int64(math.MinInt64), "named": named(4),
		"bool": true, "nil": nil, "text": "a\"<b>\n", "bad": "x\xffy", "bad\xffkey": 1,
		"dur": 1500 * time.Millisecond, "time": when, "list": []int{1, 2}, "empty": []string{}, "err list": []any{nil, "x", 2.5},
		"map": map[int]string{3: "c"}, "struct": point{1.5, 2, 3}, "nested": map[string]any{"a": map[string]any{"b": 7}, "gone": map[string]any{}},
		"a.b/c": 9, "_own": 1, "_timestamp": 1234.5,
	}
	if err := r.Log(in); err != nil {
		t.Fatal(err)
	}
	if err := r.Log(map[string]any{"u64": uint64(math.MaxUint64)}); err != nil {
		t.Fatal(err)
	}
	run := load(t, r)
	want := map[string]any{
		"f64": 1.5, "f32": 0.1, "inf": math.Inf(1), "ninf": math.Inf(-1), "int": int64(-3), "i8": int64(-8), "u8": int64(200),
		"big": int64(1<<53 + 1), "min": int64(math.MinInt64), "named": int64(4), "bool": true, "nil": nil, "text": "a\"<b>\n", "bad": "x\ufffdy", "bad\ufffdkey": int64(1),
		"dur": 1.5, "time": "2026-01-02T03:04:05Z", "list": []any{int64(1), int64(2)}, "empty": []any{}, "err list": []any{nil, "x", 2.5},
		"map": map[string]any{"3": "c"}, "struct": map[string]any{"x": 1.5, "Y": int64(2)}, "nested": map[string]any{"a": map[string]any{"b": int64(7)}},
		"a.b/c": int64(9), "_own": int64(1),
	}
	got := run.History[0].Values
	if v, ok := got["nan"].(float64); !ok || !math.IsNaN(v) {
		t.Errorf("nan came back as %v", got["nan"])
	}
	delete(got, "nan")
	for key, w := range want {
		if g := got[key]; !reflect.DeepEqual(g, w) {
			t.Errorf("%q came back as %#v, want %#v", key, g, w)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("values that were not logged: %v", got)
	}
	if ts := run.History[0].Timestamp; ts != 1234.5 {
		t.Errorf("_timestamp is %v, want the one that was given", ts)
	}
}

// TestRefusedRows also checks that nothing of a refused row is stored: take
// "return err" out of flatten's loop to see it fail.
func TestRefusedRows(t *testing.T) {
	r := start(t, quiet(t))
	cycle := map[string]any{}
	cycle["self"] = cycle
	for _, test := range []struct {
		name   string
		values map[string]any
		is     error
		text   string
	}{
		{"channel", map[string]any{"ok": 1, "c": make(chan int)}, nil, `"c", type chan int`},
		{"func in list", map[string]any{"ok": 1, "l": []any{1, func() {}}}, nil, "func()"},
		{"nested", map[string]any{"ok": 1, "o": map[string]any{"c": complex(1, 2)}}, nil, `"o.c", type complex128`},
		{"cycle", map[string]any{"ok": 1, "o": cycle}, nil, "nested deeper"},
		{"empty key", map[string]any{"ok": 1, "": 1}, ErrKey, "empty"},
		{"empty part", map[string]any{"o": map[string]any{"": 1}}, ErrKey, "empty"},
		{"long key", map[string]any{"ok": 1, strings.Repeat("k", 1<<20): 1}, ErrKey, "longer than 4096"},
		{"_step", map[string]any{"ok": 1, "_step": 4}, ErrKey, "AtStep"},
		{"_wandb", map[string]any{"_wandb": map[string]any{"x": 1}}, ErrKey, "_wandb"},
		{"_timestamp", map[string]any{"_timestamp": "now"}, ErrKey, "Unix seconds"},
		{"too large", map[string]any{"ok": 1, "t": strings.Repeat("x", MaxRowBytes)}, ErrRowTooLarge, "limit"},
	} {
		err := r.Log(test.values)
		var value *ValueError
		switch {
		case err == nil:
			t.Errorf("%s: no error", test.name)
		case test.is != nil && !errors.Is(err, test.is):
			t.Errorf("%s: error %v is not %v", test.name, err, test.is)
		case test.is == nil && !errors.As(err, &value):
			t.Errorf("%s: error %v is no *ValueError", test.name, err)
		case !strings.Contains(err.Error(), test.text) || len(err.Error()) > 300:
			t.Errorf("%s: error %.400q does not say %q", test.name, err, test.text)
		}
	}
	if c := r.Counters(); c.Refused != 11 || c.Rows != 0 {
		t.Errorf("counters are %+v, want 11 refused and no rows", c)
	}
	if run := load(t, r); len(run.History) != 0 || run.Summary["ok"] != nil {
		t.Errorf("refused rows left %v and summary %v", run.History, run.Summary)
	}
}

func TestLogFromManyGoroutines(t *testing.T) {
	r := start(t, quiet(t))
	const writers, each = 8, 200
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			key, row := r.Key("typed"), r.Row()
			for i := range each {
				row.Int(key, int64(w*each+i))
				if err := r.LogRow(&row); err != nil {
					t.Error(err)
				}
				if err := r.Log(map[string]any{"map": w*each + i, "w": w}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	run := load(t, r)
	seen := map[string]bool{}
	for i, h := range run.History {
		if h.Step != int64(i) {
			t.Fatalf("row %d has step %d", i, h.Step)
		}
		for _, key := range []string{"typed", "map"} {
			if v, ok := h.Values[key]; ok {
				seen[fmt.Sprint(key, v)] = true
			}
		}
	}
	if len(seen) != 2*writers*each {
		t.Errorf("%d different values came back, want %d", len(seen), 2*writers*each)
	}
}

// TestNestedKeysThatExcludeEachOther looks into the log: a value at a path and
// one below it may not stand in one row, whatever a reader makes of that.
func TestNestedKeysThatExcludeEachOther(t *testing.T) {
	r := start(t, quiet(t))
	row := r.Row()
	for _, path := range [][]string{{"o", "x"}, {"o", "y"}, {"p"}, {"o"}, {"p", "q", "r"}, {"p", "q"}} {
		row.Float(r.Key(path...), 1)
	}
	if err := r.LogRow(&row); err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	var got []string
	_, err := runlog.Walk(r.dir, func(_ string, rec *wandbpb.Record) error {
		for _, it := range rec.GetHistory().GetItem() {
			if !strings.HasPrefix(it.NestedKey[0], "_") {
				got = append(got, strings.Join(it.NestedKey, "."))
			}
		}
		return nil
	})
	if want := "[o p.q]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("the row has keys %v (%v), want %s", got, err, want)
	}
}
