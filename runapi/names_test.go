package runapi

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// names are what a run says that it is called.
func names(r *Run) []string {
	return append([]string{r.Name(), r.Notes(), r.Group(), r.JobType()}, r.Tags()...)
}

func TestNamesChangeAfterInit(t *testing.T) {
	s := quiet(t)
	s.Name, s.Notes, s.Group, s.JobType, s.Tags = "first", "n", "g", "train", []string{"a", "b"}
	r := start(t, s)
	if got := names(r); !slices.Equal(got, []string{"first", "n", "g", "train", "a", "b"}) {
		t.Errorf("at first: %q", got)
	}
	err := errors.Join(r.SetName("second"), r.SetNotes("other\nnotes"), r.AddTags("c", "a", "c"), r.RemoveTags("b", "unknown"))
	if got := names(r); err != nil || !slices.Equal(got, []string{"second", "other\nnotes", "g", "train", "a", "c"}) {
		t.Errorf("changed: %q, %v", got, err)
	}
	r.Tags()[0] = "the caller's own"
	run := load(t, r)
	if run.Name != "second" || run.Notes != "other\nnotes" || !slices.Equal(run.Tags, []string{"a", "c"}) || run.Group != "g" {
		t.Errorf("the log says name %q, notes %q, tags %q, group %q", run.Name, run.Notes, run.Tags, run.Group)
	}
	for i, err := range []error{r.SetName("x"), r.SetNotes(""), r.SetTags("x"), r.AddTags("x"), r.RemoveTags("a")} {
		if err != ErrFinished {
			t.Errorf("after Finish, call %d returns %v", i, err)
		}
	}
	if r.Name() != "second" {
		t.Errorf("after Finish the name is %q", r.Name())
	}
}

func TestNamesCanBeEmptied(t *testing.T) {
	s := quiet(t)
	s.Name, s.Notes, s.Tags = "name", "n", []string{"a"}
	r := start(t, s)
	if err := errors.Join(r.SetNotes(""), r.RemoveTags("a")); err != nil {
		t.Fatal(err)
	}
	if run := load(t, r); run.Notes != "" || len(run.Tags) != 0 || run.Name != "name" {
		t.Errorf("name %q, notes %q, tags %q", run.Name, run.Notes, run.Tags)
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	s := quiet(t)
	s.Environ = []string{"HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz012345"}
	r := start(t, s)
	for i, err := range []error{r.SetName(""), r.SetTags("ok", ""), r.AddTags(strings.Repeat("ä", MaxTag+1))} {
		if !errors.Is(err, ErrName) {
			t.Errorf("call %d returns %v, want ErrName", i, err)
		}
	}
	if err := errors.Join(r.AddTags(strings.Repeat("ä", MaxTag)), r.SetNotes("with hf_abcdefghijklmnopqrstuvwxyz012345")); err != nil {
		t.Error(err)
	}
	if len(r.Tags()) != 1 || r.Name() != "" || strings.Contains(r.Notes(), "hf_abc") {
		t.Errorf("tags %q, name %q, notes %q", r.Tags(), r.Name(), r.Notes())
	}
}

// TestNamesReachTheServer while the run goes on. Seen to fail without the
// params of upload's upsert.
func TestNamesReachTheServer(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.Name, s.Tags, s.Notes = "first", []string{"a"}, "n"
	r := start(t, s)
	eventually(t, "the run at the server", func() bool { return r.link.Load().identity().URL != "" })
	if err := errors.Join(r.SetName("second"), r.AddTags("b"), r.SetNotes("")); err != nil {
		t.Fatal(err)
	}
	if err := r.Log(map[string]any{"x": 1}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new names at the server", func() bool {
		run, err := p.Server.Run(server.DefaultEntity, "p", r.ID())
		return err == nil && run.DisplayName == "second" && slices.Equal(run.Tags, []string{"a", "b"}) && run.Notes == ""
	})
	if r.Name() != "second" {
		t.Errorf("the run says that its name is %q", r.Name())
	}
}

// TestTagsOfResumedRunAreKept: what is added joins what the server has; what is
// set replaces it.
func TestTagsOfResumedRunAreKept(t *testing.T) {
	p := serve(t)
	begin := func(tags ...string) *Run {
		s := p.online(t)
		s.ID, s.Resume, s.Tags = "r", "allow", tags
		return start(t, s)
	}
	end := func(r *Run, want ...string) {
		t.Helper()
		if err := r.Finish(0); err != nil {
			t.Fatal(err)
		}
		if run := p.run(t, "r"); !slices.Equal(run.Tags, want) || !slices.Equal(r.Tags(), want) {
			t.Errorf("tags: the server has %q, the run says %q, want %q", run.Tags, r.Tags(), want)
		}
	}
	r := begin("a", "b")
	if err := r.SetNotes("kept"); err != nil {
		t.Fatal(err)
	}
	end(r, "a", "b")
	r = begin()
	if r.Notes() != "kept" {
		t.Errorf("notes of the resumed run: %q", r.Notes())
	}
	if err := r.AddTags("c"); err != nil {
		t.Fatal(err)
	}
	end(r, "a", "b", "c")
	r = begin()
	if err := r.RemoveTags("b"); err != nil {
		t.Fatal(err)
	}
	end(r, "a", "c")
	r = begin()
	if err := r.SetTags("z"); err != nil {
		t.Fatal(err)
	}
	end(r, "z")
}

// TestProgramInsideRenamesTheRun: a program inside exec calls the run something
// else while it goes on. Seen to fail when adopt looks at a part only once.
func TestProgramInsideRenamesTheRun(t *testing.T) {
	s, err := Prepare(quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	s.Tags, s.Notes = []string{"exec"}, "of exec"
	outer := start(t, s)
	in := quiet(t)
	in.Environ = []string{RunDirVariable + "=" + outer.Dir()}
	in.Name = "first"
	inner := start(t, in)
	if inner.ID() != outer.ID() {
		t.Fatalf("the program made run %s of its own", inner.ID())
	}
	eventually(t, "the first name", func() bool { return outer.Name() == "first" })
	if err := errors.Join(inner.SetName("second"), inner.AddTags("program"), inner.SetNotes("of the program")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second name", func() bool { return outer.Name() == "second" })
	if err := errors.Join(inner.SetName("third"), inner.Finish(0)); err != nil {
		t.Fatal(err)
	}
	run := load(t, outer)
	if run.Name != "third" || run.Notes != "of the program" || !slices.Equal(run.Tags, []string{"exec", "program"}) {
		t.Errorf("name %q, notes %q, tags %q", run.Name, run.Notes, run.Tags)
	}
}

func TestSettingsAreACopy(t *testing.T) {
	s := quiet(t)
	s.Tags, s.Environ, s.ExtraHeaders = []string{"a"}, []string{"X=1"}, map[string]string{"Authorization": "secret"}
	r := start(t, s)
	got := r.Settings()
	got.Tags[0], got.Project = "other", "other"
	if again := r.Settings(); again.Tags[0] != "a" || again.Project != "p" || r.Tags()[0] != "a" {
		t.Errorf("the run's settings changed with the copy: %q, %q", again.Tags, again.Project)
	}
	if got.Environ != nil || got.ExtraHeaders != nil || got.ID != r.ID() || got.Mode != ModeOffline {
		t.Errorf("settings %+v", got)
	}
	if s.Tags[0] != "a" {
		t.Error("the caller's tags changed")
	}
}
