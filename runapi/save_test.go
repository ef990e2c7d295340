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
		names, err := r.Save(pattern, base, policy)
		if err != nil || !slices.Equal(names, want) {
			t.Errorf("save %q below %q: got %q and %v, want %q", pattern, base, names, err, want)
		}
	}
	f("sub/*", work, SaveLive, "sub/a.txt", "sub/b.txt")
	f("*.bin", work, SaveNow, "c.bin")
	f(strings.ReplaceAll(work, "[", `\[`)+"/c.bin", "", SaveEnd, "c.bin")
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
	if want := []string{"sub/a.txt:LIVE sub/b.txt:LIVE ", "c.bin:NOW ", "c.bin:END "}; !slices.Equal(got, want) {
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
		if _, err := r.Save(name, s.Dir, policy); err != nil {
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
	write(t, filepath.Join(s.Dir, "x"), "x")
	write(t, filepath.Join(s.Dir, "work/output.log"), "mine")
	r := start(t, s)
	for pattern, base := range map[string]string{
		"../x": filepath.Join(s.Dir, "work"), "": s.Dir, "a\x00": s.Dir, "output.log": filepath.Join(s.Dir, "work"), filepath.Join(s.Dir, "x"): filepath.Join(s.Dir, "work"),
	} {
		if names, err := r.Save(pattern, base, SaveNow); !errors.Is(err, errSave) {
			t.Errorf("save %q below %s: got %q, %v", pattern, base, names, err)
		}
	}
	if _, err := r.Save("[", s.Dir, SaveNow); !errors.Is(err, filepath.ErrBadPattern) {
		t.Errorf("got %v, want ErrBadPattern", err)
	}
	if _, err := r.Save("x", s.Dir, 9); !errors.Is(err, errSave) {
		t.Errorf("an unknown policy: %v", err)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Save("x", s.Dir, SaveNow); !errors.Is(err, ErrFinished) {
		t.Errorf("after Finish: %v", err)
	}
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
		if !errors.Is(err, errAlert) {
			t.Errorf("%s: got %v, want errAlert", title, err)
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
