package runapi

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// TestLateRows: without KeepLate they are refused and counted, with it each is
// a row of its own at the next free step.
func TestLateRows(t *testing.T) {
	feed := func(r *Run) []error {
		row := r.Row()
		row.Int(r.Key("typed"), 1)
		return []error{
			r.Log(map[string]any{"a": 0}), r.Log(map[string]any{"a": 1}, AtStep(5)), r.Log(map[string]any{"b": 1}, AtStep(5)),
			r.Log(map[string]any{"late": 2}, AtStep(2)), r.LogRow(&row, AtStep(3)), r.Log(map[string]any{"a": 6}),
			r.Log(map[string]any{"late": 1}, AtStep(-1)), r.Log(map[string]any{"": 1}, AtStep(2)),
		}
	}
	s := quiet(t)
	r := start(t, s)
	errs := feed(r)
	for i, want := range []error{nil, nil, nil, ErrStepBack, ErrStepBack, nil, ErrStepBack, ErrKey} {
		if !errors.Is(errs[i], want) {
			t.Errorf("refusing, call %d: got %v, want %v", i, errs[i], want)
		}
	}
	if c := r.Counters(); c.Refused != 4 || c.Moved != 0 {
		t.Errorf("refusing: got %+v, want 4 refused", c)
	}
	s = quiet(t)
	s.KeepLate = true
	r = start(t, s)
	errs = feed(r)
	for i, want := range []error{nil, nil, nil, nil, nil, nil, ErrStepBack, ErrKey} {
		if !errors.Is(errs[i], want) {
			t.Errorf("keeping, call %d: got %v, want %v", i, errs[i], want)
		}
	}
	steps, got := rows(load(t, r))
	want := []map[string]any{
		{"a": int64(0)}, {"a": int64(1), "b": int64(1)}, {"late": int64(2), lateKey: int64(2)}, {"typed": int64(1), lateKey: int64(3)}, {"a": int64(6)},
	}
	if !reflect.DeepEqual(steps, []int64{0, 5, 6, 7, 8}) || !reflect.DeepEqual(got, want) {
		t.Errorf("keeping: got %v %v", steps, got)
	}
	if c := r.Counters(); c.Refused != 2 || c.Moved != 2 || c.Rows != 5 {
		t.Errorf("keeping: got %+v, want 2 refused, 2 moved, 5 rows", c)
	}
}

// texts are the rows of a log as their bytes are: per step the JSON text of each
// key, without the times of the calls.
func texts(t *testing.T, r *Run) (rows []string) {
	t.Helper()
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	_, err := runlog.Walk(r.dir, func(_ string, rec *wandbpb.Record) error {
		h := rec.GetHistory()
		if h == nil {
			return nil
		}
		items := map[string]string{}
		for _, it := range h.GetItem() {
			items[strings.Join(it.GetNestedKey(), "\x00")] = it.GetValueJson()
		}
		delete(items, "_runtime")
		rows = append(rows, fmt.Sprint(h.GetStep().GetNum(), items))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestPartsMakeTheWhole: a step that is logged in any number of parts, by either
// path, is in the log as one that is logged at once.
func TestPartsMakeTheWhole(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	keys := []string{"a", "b", "c.d", "e/f", "ж"}
	values := []any{1, -2.5, 1e300, "text", true, nil, []int{1, 2}, map[string]any{"x": 1, "y": map[string]any{"z": "q"}}}
	whole, parts := start(t, quiet(t)), start(t, quiet(t))
	for step := range int64(200) {
		all := map[string]any{"_timestamp": 1000 + step}
		n := 1 + rng.IntN(4)
		for i := range n {
			part := map[string]any{"_timestamp": 1000 + step}
			row := parts.Row()
			typed := rng.IntN(3) == 0
			for _, key := range keys {
				if rng.IntN(2) == 0 {
					continue
				}
				v := values[rng.IntN(len(values))]
				if f, ok := v.(float64); ok && typed {
					row.Float(parts.Key(key), f)
					all[key] = f
				} else if !typed {
					part[key] = v
					all[key] = v
				}
			}
			opts := []LogOption{NoCommit()}
			if rng.IntN(2) == 0 {
				opts = []LogOption{AtStep(step)}
			}
			if i == n-1 {
				opts = append(opts, Commit())
			}
			err := parts.Log(part, opts[:1]...)
			if typed {
				err = errors.Join(err, parts.LogRow(&row, opts[:1]...))
			}
			if len(opts) > 1 {
				err = errors.Join(err, parts.Log(nil, opts...))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := whole.Log(all); err != nil {
			t.Fatal(err)
		}
	}
	want, got := texts(t, whole), texts(t, parts)
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("row %d: got\n%v\nwant\n%v", i, got[min(i, len(got)-1)], want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d rows, want %d", len(got), len(want))
	}
}
