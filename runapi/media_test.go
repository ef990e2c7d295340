//go:build unix

package runapi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// pathOf is the path in a stored object.
func pathOf(t *testing.T, v any) string {
	t.Helper()
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("got %v, want an object", v)
	}
	return fmt.Sprint(m["path"])
}

// mediaFiles lists what lies in the run's media folder.
func mediaFiles(t *testing.T, r *Run) (names []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(r.FilesDir(), "media"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(r.FilesDir(), path)
			names = append(names, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestMediaOfRows: where files go, what rows hold, and that readers of the log
// are told of the files before the row.
func TestMediaOfRows(t *testing.T) {
	r := start(t, quiet(t))
	err := errors.Join(
		r.Log(map[string]any{"a": note{text: "one"}, "x": 1}),
		r.Log(map[string]any{"deep": map[string]any{"b/../c": note{text: "two"}}}, AtStep(7)),
		r.Log(map[string]any{"list": []Media{note{text: "l0"}, note{text: "l1"}}}, NoCommit()),
		r.Log(map[string]any{"typed": []note{{text: "t"}}, "anys": []any{note{text: "u"}}, "map": map[string]note{"k": {text: "v"}}}),
		r.Summary().Set("best", map[string]any{"note": note{text: "s"}, "n": 1}),
		r.Summary().Set("hist", &media.Histogram{Counts: []float64{1}, Edges: []float64{0, 1}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	dir := r.FilesDir()
	own, _ := r.Config().Get(ownKey)
	run := load(t, r)
	_, values := rows(run)
	text := func(v any) string {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(dir, pathOf(t, v)))
		if err != nil {
			t.Error(err)
		}
		return string(got)
	}
	object := func(v any, key string) any { m, _ := v.(map[string]any); return m[key] }
	at := func(v any, i int) any { l, _ := v.([]any); return append(l, nil, nil)[i] }
	f := func(v any, begin, want string) {
		t.Helper()
		if got := text(v); got != want || !strings.HasPrefix(pathOf(t, v), "media/notes/"+begin) {
			t.Errorf("%v: got %q, want %q below %s", v, got, want, begin)
		}
	}
	f(values[0]["a"], "a_0_7692c3ad3540bb803c02.txt", "one")
	f(object(values[1]["deep"], "b/../c"), "b/_/c_7_", "two")
	f(at(values[1]["list"], 1), "list_7_", "l1")
	f(at(values[1]["typed"], 0), "typed_7_", "t")
	f(at(values[1]["anys"], 0), "anys_7_", "u")
	f(object(values[1]["map"], "k"), "k_7_", "v")
	f(object(run.Summary["best"], "note"), "note_summary_", "s")
	if object(run.Summary["hist"], "_type") != "histogram" {
		t.Errorf("summary: %v", run.Summary["hist"])
	}
	notes := object(own, "notes")
	if object(notes, "a") != "one" || object(notes, "k") != "v" {
		t.Errorf("config: %v", notes)
	}
	order := logged(t, filepath.Dir(dir), func(rec *wandbpb.Record) string {
		switch {
		case rec.GetHistory() != nil:
			return "row"
		case len(rec.GetFiles().GetFiles()) > 0 && rec.GetFiles().Files[0].Type == wandbpb.FilesItem_MEDIA:
			f := rec.GetFiles().Files[0]
			return f.Policy.String() + strings.TrimRight(filepath.Base(f.Path), "0123456789abcdef.tx")
		}
		return ""
	})
	if got, want := strings.Join(order, " "), "NOWa_0_ row NOWc_7_ NOWlist_7_ "; !strings.HasPrefix(got, want) {
		t.Errorf("records: %s, want %s first", got, want)
	}
}

// TestMediaThatCannotBeStored: nothing of the row is there. Seen to fail without
// v.media.end in Log, and without the removal of the file in Put.
func TestMediaThatCannotBeStored(t *testing.T) {
	r := start(t, quiet(t))
	full := errors.New("disk is full")
	f := func(want error, values map[string]any, opts ...LogOption) {
		t.Helper()
		if err := r.Log(values, opts...); !errors.Is(err, want) {
			t.Errorf("%v: got %v, want %v", values, err, want)
		}
		if left := mediaFiles(t, r); len(left) > 0 {
			t.Errorf("%v: %q are left", values, left)
		}
	}
	f(full, map[string]any{"a": note{text: "x", err: full}})
	f(full, map[string]any{"a": note{text: "x"}, "list": []note{{text: "y"}, {text: "x", err: full}}})
	var bad *ValueError
	if err := r.Log(map[string]any{"m": map[string]any{"a": note{text: "x", err: full}}}); !errors.As(err, &bad) || bad.Key != "m.a" {
		t.Errorf("got %v, want the key m.a", err)
	}
	if err := r.Log(map[string]any{"m": []*note{nil}}); !errors.As(err, &bad) || !strings.Contains(err.Error(), "media 0 is nil") {
		t.Errorf("got %v, want media 0 is nil", err)
	}
	f(syscall.ENAMETOOLONG, map[string]any{strings.Repeat("k", 300): note{text: "x"}})
	f(ErrKey, map[string]any{"a": note{text: "x"}, "_step": 1})
	if err := r.Log(map[string]any{"at": 5}, AtStep(5)); err != nil {
		t.Fatal(err)
	}
	f(ErrStepBack, map[string]any{"a": note{text: "x"}}, AtStep(4))
	f(ErrRowTooLarge, map[string]any{"a": note{text: "x"}, "big": strings.Repeat("x", MaxRowBytes)})
	for _, v := range []any{note{text: "x", err: full}, map[string]any{"a": note{text: "x"}, "f": func() {}}} {
		if err := r.Summary().Set("s", v); !errors.As(err, &bad) {
			t.Errorf("summary: got %v", err)
		}
		if left := mediaFiles(t, r); len(left) > 0 {
			t.Errorf("summary: %q are left", left)
		}
	}
	if n := r.Counters(); n.Refused != 8 {
		t.Errorf("%d calls refused, want 8", n.Refused)
	}
	run := load(t, r)
	if len(run.History) != 1 || run.Summary["a"] != nil {
		t.Errorf("rows %v, summary %v", run.History, run.Summary)
	}
	if err := r.Log(map[string]any{"a": note{text: "x"}}); !errors.Is(err, ErrFinished) {
		t.Errorf("got %v, want %v", err, ErrFinished)
	}
}

// TestMediaOfADisabledRun: nothing is written.
func TestMediaOfADisabledRun(t *testing.T) {
	s := quiet(t)
	s.Mode = ModeDisabled
	r := start(t, s)
	n := note{err: errors.New("it was asked to write")}
	if err := errors.Join(r.Log(map[string]any{"a": n}), r.Summary().Set("a", n)); err != nil {
		t.Error(err)
	}
}

// TestSameMediaOfTwoCalls: a row that is refused takes no file from another one
// that has the same. Seen to fail without the stay of claims.end.
func TestSameMediaOfTwoCalls(t *testing.T) {
	r := start(t, quiet(t))
	meanwhile := func() {
		if err := r.Log(map[string]any{"a": note{text: "same"}}); err != nil {
			t.Error(err)
		}
	}
	full := errors.New("disk is full")
	if err := r.Log(map[string]any{"a": []note{{text: "same"}, {do: meanwhile, err: full}}}); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	if names := mediaFiles(t, r); len(names) != 1 || len(r.claims.files) != 0 {
		t.Errorf("files %q and %d claims, want one file and no claim", names, len(r.claims.files))
	}
}

// TestMediaOfTwoProgramsInsideOneRun: equal values of the same step are one
// file, and a row that is refused to one of them takes nothing from the other.
// Seen to fail without the look at inside in end.
func TestMediaOfTwoProgramsInsideOneRun(t *testing.T) {
	outer := start(t, quiet(t))
	s := quiet(t)
	s.Environ = []string{RunDirVariable + "=" + outer.Dir()}
	one, two := start(t, s), start(t, s)
	if err := errors.Join(one.Log(map[string]any{"a": note{text: "same"}}), two.Log(map[string]any{"a": note{text: "same"}})); err != nil {
		t.Fatal(err)
	}
	meanwhile := func() {
		if err := one.Log(map[string]any{"a": note{text: "again"}}); err != nil {
			t.Error(err)
		}
	}
	full := errors.New("disk is full")
	if err := two.Log(map[string]any{"a": []note{{text: "again"}, {do: meanwhile, err: full}}}); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	if names := mediaFiles(t, outer); len(names) != 2 {
		t.Errorf("files %q, want 2", names)
	}
	if err := errors.Join(one.Finish(0), two.Finish(0)); err != nil {
		t.Fatal(err)
	}
	dir := outer.Dir()
	stored := load(t, outer)
	told := logged(t, dir, func(rec *wandbpb.Record) string {
		if f := rec.GetFiles().GetFiles(); len(f) > 0 && f[0].Type == wandbpb.FilesItem_MEDIA {
			return f[0].Path
		}
		return ""
	})
	if len(stored.History) != 3 || len(told) != 3 { // each program tells of its own
		t.Errorf("%d rows, and the log tells of %q, want 3 of each", len(stored.History), told)
	}
	for _, row := range stored.History {
		if _, err := os.Stat(filepath.Join(outer.FilesDir(), pathOf(t, row.Values["a"]))); err != nil {
			t.Error(err)
		}
	}
}
