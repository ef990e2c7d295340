package runapi

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// HistoryRow is one step of a run: its number, when it was, and what was logged,
// nested as it was logged. Values are int64, float64, bool, string, nil, []any
// or map[string]any. The row is the reader's to keep.
type HistoryRow = runlog.HistoryRow

// History reads the rows that the run has stored so far, in the order in which
// they were logged; the step that is open, as far as it got, comes last. It
// reads the log of the run, not memory, and holds one row at a time: a run of
// any length can be read while it goes on. Rows that were logged after the
// iteration began may come or not.
//
// With keys, only rows that have at least one of them come, with nothing but
// these in Values. A key is a name as DefineMetric takes it: nested parts are
// joined by dots, and one that ends in * stands for all that begin so. Other than
// the official client's, a row need not have all of them.
//
// An error ends the iteration; it is that of ctx, or of the log. A nil or
// disabled run has no rows.
func (r *Run) History(ctx context.Context, keys ...string) iter.Seq2[HistoryRow, error] {
	if r == nil || r.off {
		return func(func(HistoryRow, error) bool) {}
	}
	return history(ctx, r.dir, r.base, keys)
}

// errEnough ends a walk that nobody wants more of.
var errEnough = errors.New("enough")

// history shows the rows of a run directory. base is added to their steps.
func history(ctx context.Context, dir *runlog.Dir, base int64, keys []string) iter.Seq2[HistoryRow, error] {
	return func(yield func(HistoryRow, error) bool) {
		take := rowTaker(keys)
		walkRecords(ctx, dir, func(writer string, rec *wandbpb.Record) (HistoryRow, bool) {
			row, ok := take(writer, rec)
			row.Step += base
			return row, ok
		}, yield)
	}
}

// rowTaker decodes the rows that have one of keys; all rows without keys.
func rowTaker(keys []string) func(string, *wandbpb.Record) (HistoryRow, bool) {
	if len(keys) == 0 {
		return runlog.RowOf
	}
	want := keyFilter(keys)
	return func(writer string, rec *wandbpb.Record) (HistoryRow, bool) {
		return runlog.RowOfKeys(writer, rec, want)
	}
}

// keyFilter remembers what it said of a key.
func keyFilter(keys []string) func(path []string) bool {
	known := map[string]bool{}
	return func(path []string) bool {
		name := path[0]
		if len(path) > 1 {
			name = strings.Join(path, ".")
		}
		take, ok := known[name]
		if !ok {
			take = matchesAny(keys, name)
			if len(known) < maxKeys {
				known[name] = take
			}
		}
		return take
	}
}

// matchesAny says whether a name is one of patterns, whose * at the end stands
// for anything and \. for a dot.
func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		p = strings.ReplaceAll(p, `\.`, ".")
		if prefix, glob := strings.CutSuffix(p, "*"); p == name || glob && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// walkRecords shows what take makes of the records of a run, until yield has
// enough.
func walkRecords[T any](ctx context.Context, dir *runlog.Dir, take func(string, *wandbpb.Record) (T, bool), yield func(T, error) bool) {
	_, err := runlog.Walk(dir, func(writer string, rec *wandbpb.Record) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if v, ok := take(writer, rec); ok && !yield(v, nil) {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		var none T
		yield(none, err)
	}
}
