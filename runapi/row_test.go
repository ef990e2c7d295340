package runapi

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestTypedRow(t *testing.T) {
	r := start(t, quiet(t))
	f, i, b, s, n := r.Key("f"), r.Key("i"), r.Key("b"), r.Key("s"), r.Key("n", "x")
	row := r.Row()
	row.Float(f, math.Inf(-1))
	row.Int(i, 1<<53+1)
	row.Bool(b, true)
	row.Text(s, "a\xff\"")
	row.Float(n, 2)
	row.Float(f, 0.5)
	if row.Len() != 6 {
		t.Errorf("Len is %d, want 6", row.Len())
	}
	if err := r.LogRow(&row); err != nil || row.Len() != 0 {
		t.Errorf("LogRow: %v, %d values left", err, row.Len())
	}
	row.Float(r.Key("n"), 3)
	row.Float(n, 4)
	if err := r.LogRow(&row, NoCommit()); err != nil {
		t.Error(err)
	}
	row.Text(s, "later")
	if err := r.LogRow(&row); err != nil {
		t.Error(err)
	}
	_, got := rows(load(t, r))
	want := []map[string]any{
		{"f": 0.5, "i": int64(1<<53 + 1), "b": true, "s": "a\ufffd\"", "n": map[string]any{"x": int64(2)}},
		{"n": map[string]any{"x": int64(4)}, "s": "later"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("rows are %v, want %v", got, want)
	}
}

func TestTypedRowRefusals(t *testing.T) {
	r, other := start(t, quiet(t)), start(t, quiet(t))
	row := r.Row()
	row.Float(r.Key(""), 1)
	row.Float(r.Key("ok"), 1)
	if err := r.LogRow(&row); !errors.Is(err, ErrKey) || row.Len() != 0 {
		t.Errorf("row with an empty key: %v", err)
	}
	row.Float(r.Key(strings.Repeat("k", MaxKeyBytes)), 1)
	if err := r.LogRow(&row); !errors.Is(err, ErrKey) || len(err.Error()) > 300 {
		t.Errorf("row with a long key: %.400v", err)
	}
	row.Float(other.Key("x"), 1)
	if row.Len() != 0 {
		t.Error("a key of another run was taken")
	}
	theirs := other.Row()
	theirs.Float(other.Key("x"), 1)
	if err := r.LogRow(&theirs); err == nil {
		t.Error("a row of another run was taken")
	}
	if err := r.LogRow(nil); err != nil {
		t.Errorf("nil row: %v", err)
	}
	if run := load(t, r); len(run.History) != 0 {
		t.Errorf("refused rows left %v", run.History)
	}
}
