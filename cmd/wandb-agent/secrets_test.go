//go:build linux

package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// canaries are secrets by the place where a program may have them.
var canaries = map[string]string{
	"argument":         "canary-argument-0001",
	"own environment":  "canary-own-environment-0002",
	"their secret":     "canary-their-environment-0003",
	"git remote":       "canary-remote-0004",
	"console":          "canary-console-0005",
	"command argument": "canary-command-0006",
}

// secretArgs is a command with secrets: in its script, in flags, and one of its
// environment repeated where only its value gives it away. It prints two more.
func secretArgs(dir string) []string {
	script := "echo password=" + canaries["console"] + "; echo $HF_TOKEN; while [ ! -e " + filepath.Join(dir, "go") + " ]; do sleep 0.05; done; API_KEY=" + canaries["command argument"] + "; :"
	return []string{"sh", "-c", script, "--api-key", canaries["argument"], "--secret=" + canaries["argument"], "said " + canaries["their secret"]}
}

// secretEnv is an environment with secrets.
func secretEnv() []string {
	return append(os.Environ(), "WANDB_API_KEY="+canaries["own environment"], "HF_TOKEN="+canaries["their secret"])
}

// repository makes dir a git working tree whose remote holds a secret.
func repository(t *testing.T, dir string) {
	t.Helper()
	git := filepath.Join(dir, ".git")
	if err := os.MkdirAll(git, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"HEAD":   strings.Repeat("0123456789", 4),
		"config": "[remote \"origin\"]\n\turl = https://me:" + canaries["git remote"] + "@host/x.git\n",
	} {
		if err := os.WriteFile(filepath.Join(git, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// wantNoSecret looks for every canary in everything below the directory of runs,
// in what was said, and in what show and export make of the run; and it checks
// that nobody else may read the files.
func wantNoSecret(t *testing.T, dir string, said ...string) {
	t.Helper()
	texts := map[string]string{"messages": strings.Join(said, "\n")}
	latest := filepath.Join(dir, "wandb", "latest-run")
	for _, args := range [][]string{{"show", latest}, {"show", "--json", latest}, {"show", "--console", latest}, {"export", "--format", "jsonl", latest}} {
		s := agentSays(t, args...)
		if s.code != 0 {
			t.Errorf("%v: exit %d, %s", args, s.code, s.stderr)
		}
		texts[strings.Join(args[:2], " ")] = s.stdout + s.stderr
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(dir, "wandb"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if err == nil && !d.IsDir() {
			files++
			texts[path] = string(slurp(t, path))
		}
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("only %d files were looked at: %v", files, err)
	}
	for where, text := range texts {
		for what, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s holds the secret of the %s", where, what)
			}
		}
	}
}

// TestExecKeepsSecrets: the command's own output is passed on as it is; nothing
// else holds a secret. Seen to fail without the mask of maskedConsole (console),
// and in runapi without mask.Args in describeProgram (arguments).
func TestExecKeepsSecrets(t *testing.T) {
	dir := t.TempDir()
	repository(t, dir)
	touch(t, filepath.Join(dir, "go"))
	cmd := exec.Command("wandb-agent", execArgs(dir, secretArgs(dir)...)...)
	cmd.Env, cmd.Dir = secretEnv(), dir
	s := says(t, cmd)
	if want := "password=" + canaries["console"] + "\n" + canaries["their secret"] + "\n"; s.code != 0 || s.stdout != want {
		t.Errorf("exec: exit %d, stdout %q, want it unchanged; %s", s.code, s.stdout, s.stderr)
	}
	run := shown(t, dir)
	if got := consoleOf(&run, "stdout"); got != "password=***\n***\n" {
		t.Errorf("console in the run is %q", got)
	}
	var errors []string
	for _, args := range [][]string{
		{"exec", "--dir", "/proc/nowhere", "--", "sh", "--token=" + canaries["argument"]},
		{"exec", "--dir", dir, "--", "no-such-command", "--token=" + canaries["argument"]},
		{"exec", "--dir", dir, "--mode", "bogus", "--", "sh", "--token=" + canaries["argument"]},
	} {
		bad := exec.Command("wandb-agent", args...)
		bad.Env = secretEnv()
		e := says(t, bad)
		if e.code == 0 || e.stderr == "" {
			t.Errorf("%v: exit %d, %q", args[:3], e.code, e.stderr)
		}
		errors = append(errors, e.stdout+e.stderr)
	}
	wantNoSecret(t, dir, append(errors, s.stderr)...)
}

// TestAttachKeepsSecrets: what another process has in its arguments and in its
// environment does not reach the run. Seen to fail without the mask in
// describeProcess.
func TestAttachKeepsSecrets(t *testing.T) {
	dir := t.TempDir()
	repository(t, dir)
	target := exec.Command(secretArgs(dir)[0], secretArgs(dir)[1:]...)
	target.Env, target.Dir = append(os.Environ(), "HF_TOKEN="+canaries["their secret"]), dir
	start(t, target)
	cmd := exec.Command("wandb-agent", "attach", "--pid", strconv.Itoa(target.Process.Pid), "--dir", dir, "--sample-interval", "100ms", "--stats-interval", "100ms")
	cmd.Env, cmd.Dir = append(os.Environ(), "WANDB_API_KEY="+canaries["own environment"]), dir
	collect := record(t, cmd)
	start(t, cmd)
	eventually(t, "the run measures", func() bool { return latest(dir)["agent.proc.count"] != nil })
	touch(t, filepath.Join(dir, "go"))
	done(t, target)
	if code := done(t, cmd); code != 0 {
		t.Errorf("attach: exit %d", code)
	}
	stdout, stderr := collect()
	wantNoSecret(t, dir, stdout, stderr)
	if run, ok := loaded(dir); !ok || !strings.Contains(run.Environment.String(), "--api-key") {
		t.Errorf("the run does not have the arguments at all: %v", run.Environment)
	}
}
