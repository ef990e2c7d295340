//go:build unix

package runapi

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// logged returns what want makes of the records of a run's log, without "".
func logged(t *testing.T, dir string, want func(*wandbpb.Record) string) (all []string) {
	t.Helper()
	d, err := runlog.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runlog.Walk(d, func(_ string, rec *wandbpb.Record) error {
		if text := want(rec); text != "" {
			all = append(all, text)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func content(t *testing.T, r *Run, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.FilesDir(), name))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func TestSaveKeepsFilesBelowTheRun(t *testing.T) {
	s := quiet(t)
	work := filepath.Join(s.Dir, "work [1]")
	write(t, filepath.Join(work, "sub/a.txt"), "a")
	write(t, filepath.Join(work, "sub/b.txt"), "b")
	write(t, filepath.Join(work, "c.bin"), "c")
	if err := errors.Join(os.Mkdir(filepath.Join(work, "d.bin"), 0o700), syscall.Mkfifo(filepath.Join(work, "e.bin"), 0o600)); err != nil {
		t.Fatal(err)
	}
	r := start(t, s)
	f := func(pattern, base string, policy Policy, want ...string) {
		t.Helper()
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(globQuote(base), pattern)
		}
		files, err := r.Save(pattern, SaveOptions{Base: base, Policy: policy})
		if names := runPaths(files); err != nil || !slices.Equal(names, want) {
			t.Errorf("save %q below %q: got %q and %v, want %q", pattern, base, files, err, want)
		}
	}
	f("sub/*", work, SaveLive, "sub/a.txt", "sub/b.txt")
	f("*.bin", work, SaveNow, "c.bin")
	f(filepath.Join(work, "c.bin"), work, SaveEnd, "c.bin")
	f(globQuote(work)+"/c.bin", "", SaveEnd, "work [1]/c.bin")
	f("nothing*", work, SaveEnd)
	for _, name := range []string{"sub/a.txt", "sub/b.txt", "c.bin"} {
		if got, want := content(t, r, name), strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	got := logged(t, r.Dir(), func(rec *wandbpb.Record) (text string) {
		for _, item := range rec.GetFiles().GetFiles() {
			if item.GetType() == wandbpb.FilesItem_OTHER {
				text += item.GetPath() + ":" + item.GetPolicy().String() + " "
			}
		}
		return text
	})
	if want := []string{"sub/a.txt:LIVE sub/b.txt:LIVE ", "c.bin:NOW ", "c.bin:END ", "work [1]/c.bin:END "}; !slices.Equal(got, want) {
		t.Errorf("the log names %q, want %q", got, want)
	}
}

func TestSaveFollowsFilesThatAreReplaced(t *testing.T) {
	s := quiet(t)
	path := func(name string) string { return filepath.Join(s.Dir, name) }
	for _, name := range []string{"live", "now", "end"} {
		write(t, path(name), "1")
	}
	r := start(t, s)
	for name, policy := range map[string]Policy{"live": SaveLive, "now": SaveNow, "end": SaveEnd} {
		if _, err := r.Save(filepath.Join(s.Dir, name), SaveOptions{Base: s.Dir, Policy: policy}); err != nil {
			t.Fatal(err)
		}
	}
	replace := func(name, text string) {
		write(t, path("new"), text)
		if err := os.Rename(path("new"), path(name)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(live, now, end string) {
		t.Helper()
		if got, want := content(t, r, "live")+content(t, r, "now")+content(t, r, "end"), live+now+end; got != want {
			t.Errorf("live, now, end hold %s, want %s", got, want)
		}
	}
	for _, name := range []string{"live", "now", "end"} {
		replace(name, "22")
	}
	if err := r.restage(false); err != nil {
		t.Fatal(err)
	}
	check("22", "1", "1")
	replace("live", "333")
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	check("333", "1", "22")
}

func TestSaveRefuses(t *testing.T) {
	s := quiet(t)
	t.Chdir(s.Dir)
	write(t, "x", "x")
	write(t, "work/output.log", "mine")
	write(t, "work/results.log", "mine too")
	r := start(t, s)
	f := func(pattern string, o SaveOptions, want error) {
		t.Helper()
		if files, err := r.Save(pattern, o); !errors.Is(err, want) || len(files) > 0 {
			t.Errorf("save %q: got %v, %v, want the error %v", pattern, files, err, want)
		}
	}
	f("x", SaveOptions{Base: "work"}, ErrBaseNotPrefix)
	f("../x", SaveOptions{}, ErrBaseNotPrefix)
	f("work", SaveOptions{Base: "work"}, ErrBaseNotPrefix)
	f("workmate/x", SaveOptions{Base: "work"}, ErrBaseNotPrefix)
	f("a\x00", SaveOptions{}, errSave)
	f("s3://bucket/x", SaveOptions{}, errSave)
	f("work/output.log", SaveOptions{Base: "work"}, errSave)
	f("[", SaveOptions{}, filepath.ErrBadPattern)
	f("x", SaveOptions{Policy: 9}, errSave)
	if files, err := r.Save("work/*.log", SaveOptions{Base: "work"}); !errors.Is(err, errSave) || !slices.Equal(runPaths(files), []string{"results.log"}) {
		t.Errorf("one name that cannot be had: got %v, %v, want the other file and an error", files, err)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Save("x", SaveOptions{}); !errors.Is(err, ErrFinished) {
		t.Errorf("after Finish: %v", err)
	}
	f("", SaveOptions{}, nil)
}

func TestAlertsAndPreempting(t *testing.T) {
	s := quiet(t)
	s.Environ = []string{"X_TOKEN=canary-token"}
	r := start(t, s)
	for _, err := range []error{
		r.Alert("low", "the token is canary-token", "", 0), r.Alert("high", "", Error, 5*time.Second), r.MarkPreempting(),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	for title, err := range map[string]error{
		"": r.Alert("", "x", Info, 0), "long": r.Alert(strings.Repeat("ä", 64), "", Info, 0), "level": r.Alert("a", "", "LOUD", 0), "wait": r.Alert("a", "", Info, -1),
	} {
		if !errors.Is(err, ErrAlert) {
			t.Errorf("%s: got %v, want ErrAlert", title, err)
		}
	}
	got := logged(t, r.Dir(), func(rec *wandbpb.Record) string {
		if rec.GetPreempting() != nil {
			return "preempting"
		}
		if a := rec.GetAlert(); a != nil {
			return strings.Join([]string{a.GetTitle(), a.GetText(), a.GetLevel(), time.Duration(a.GetWaitDuration() * 1e6).String()}, "|")
		}
		return ""
	})
	if want := []string{"low|the token is ***|INFO|1m0s", "high||ERROR|5s", "preempting"}; !slices.Equal(got, want) {
		t.Errorf("the log has %q, want %q", got, want)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if err := r.Alert("a", "", Info, 0); !errors.Is(err, ErrFinished) {
		t.Errorf("after Finish: %v", err)
	}
}
