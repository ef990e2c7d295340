package wandb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// bothways are the features whose runs are kept offline by one client and sent
// by the other. What the server then has must be what online mode gives.
var bothways = []string{"config", "log", "metrics", "summary", "labels", "save", "finish", "media"}

// agent builds our command and returns its path.
func agent(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "wandb-agent")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/wandb-agent")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

func feat(t *testing.T, name string) feature {
	t.Helper()
	for _, f := range features {
		if f.name == name {
			return f
		}
	}
	t.Fatalf("there is no feature %s", name)
	return feature{}
}

// offline runs a program of either kind in a directory of its own without a
// server, and returns the run's directory.
func (f feature) offline(t *testing.T, p *proof, program string, args []string, more ...string) string {
	t.Helper()
	home := t.TempDir()
	env := append(p.env(f.name), "WANDB_MODE=offline")
	if out, code := status(t, home, append(env, more...), program, append(args, f.args...)...); code != f.exit {
		t.Fatalf("exit status %d, want %d\n%s", code, f.exit, out)
	}
	return only(t, home, "wandb", "offline-run-*")
}

// TestBothWays sends runs of the official client with our sync, and runs of
// ours with the official one, to where its program must find them as if they
// had been online.
func TestBothWays(t *testing.T) {
	bin := agent(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range bothways {
		f := feat(t, name)
		t.Run("official to ours/"+name, func(t *testing.T) {
			if name == "save" {
				t.Skip("the official client only links files, and the program takes them away")
			}
			t.Parallel()
			p := prove(t)
			script, err := filepath.Abs(filepath.Join("official", name+".py"))
			if err != nil {
				t.Fatal(err)
			}
			dir := f.offline(t, p, venv(t, "python"), []string{script})
			run(t, p.env(name), bin, "sync", dir)
			f.check(t, p, "")
			sameAsOnline(t, name, f.official(t), f.result(p))
		})
		t.Run("ours to official/"+name, func(t *testing.T) {
			t.Parallel()
			p := prove(t)
			dir := f.offline(t, p, self, nil, programVariable+"="+name)
			run(t, p.env(name)[:2], venv(t, "wandb"), "sync", dir)
			f.check(t, p, "")
			sameAsOnline(t, name, f.ours(t), f.result(p))
		})
	}
}

// lostOnTheWay is in which a run that the official sync sends differs from what
// both clients send themselves.
var lostOnTheWay = []known{
	{"media", "stored/media/facts/artifacts[*]/historyStep", "The official sync forgets at which step a table was logged."},
}

// sameAsOnline compares the runs of a client that was online with the same ones
// kept by it and sent by the other. They may differ as the clients do.
func sameAsOnline(t *testing.T, name string, online, synced result) {
	t.Helper()
	for _, d := range diff("stored", named("", tree(t, online.runs)), named("", tree(t, synced.runs))) {
		if !slices.ContainsFunc(slices.Concat(differences, lostOnTheWay), func(k known) bool { return k.matches(name, d) }) {
			t.Errorf("online and sent by the other client differ in %s", d)
		}
	}
}
