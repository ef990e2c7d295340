package runapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// TestNoSecretIsStored puts canaries wherever a secret may come from and looks
// for them in every file, message and error. Each line of the wanted list was
// seen to fail with its masking taken out.
func TestNoSecretIsStored(t *testing.T) {
	const (
		inArg    = "canary-argument-1"
		inEnv    = "canary-environment-2"
		inURL    = "canary-remote-3"
		inCfg    = "canary-config-4"
		inNote   = "canary-environment-2"
		inPrint  = "canary-console-5"
		inSlurm  = "canary-slurm-6"
		inHeader = "canary-header-7"
		inKey    = "canary-key-8-0000000000000000000000000000000000"
	)
	hexKey := strings.Repeat("fedcba9876543210", 3)[:40]
	dir := t.TempDir()
	write(t, filepath.Join(dir, "repo/.git/HEAD"), sha)
	write(t, filepath.Join(dir, "repo/.git/config"), "[remote \"origin\"]\nurl = https://me:"+inURL+"@host/x.git\n")
	var out bytes.Buffer
	r, err := Init(context.Background(), Settings{
		Dir: dir, Project: "p", SampleInterval: minInterval, GitRoot: filepath.Join(dir, "repo"),
		Program: "train --token " + inArg, Args: []string{"--api-key", inArg, "--secret=" + inArg, "KEY_TOKEN=" + inArg, hexKey, "--lr", "0.1"},
		APIKey: api.NewKey(inKey), BaseURL: "http://" + inURL + ":" + inURL + "@127.0.0.1:9", FinishTimeout: -1,
		ExtraHeaders: map[string]string{"X-Proxy-Key": inHeader},
		Notes:        "uses " + inNote, Tags: []string{inEnv}, Docker: "https://u:" + inURL + "@reg/image",
		Config:  map[string]any{"api_key": inCfg, "o": map[string]any{"password": []any{inCfg}}, "note": "has " + inEnv, "max_tokens": 17},
		Environ: []string{"WANDB_API_KEY=" + inEnv, "SLURM_JWT_TOKEN=" + inSlurm, "SLURM_JOB_ID=7", "WANDB_BOGUS_TOKEN=" + inEnv, "USER=me"},
		Logger:  slog.New(slog.NewTextHandler(&syncWriter{w: &out}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	console := r.ConsoleWriter(true)
	fmt.Fprintf(console, "password=%s Authorization: Basic %s\n%s", inPrint, inPrint, inEnv[:6])
	fmt.Fprintf(console, "%s and %s\nplain line\n", inEnv[6:], hexKey)
	time.Sleep(3 * minInterval)
	unsent := r.Finish(0)
	if !errors.Is(unsent, ErrUnsent) {
		t.Fatal(unsent)
	}
	_, bad := Init(context.Background(), Settings{Dir: dir, Environ: []string{"WANDB_API_KEY=" + inEnv, "WANDB_MODE=bogus"}})
	files := map[string][]byte{"messages": out.Bytes(), "error": fmt.Append(nil, bad), "finish": fmt.Append(nil, unsent), "notice": []byte(r.Notice())}
	for _, text := range []string{fmt.Sprintf("%+v", r.Settings()), fmt.Sprintf("%#v", r.Settings())} {
		if strings.Contains(text, inHeader) {
			t.Error("settings show a header")
		}
	}
	root := filepath.Join(dir, "wandb")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if want := fs.FileMode(0o600); !d.IsDir() && info.Mode().Perm() != want || d.IsDir() && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() {
			files[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 3+5 {
		t.Errorf("only %d files were looked at", len(files))
	}
	for _, secret := range []string{inArg, inEnv, inURL, inCfg, inPrint, inSlurm, inHeader, inKey, hexKey} {
		for name, text := range files {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds %s", name, secret)
			}
		}
	}
	run := loadDir(t, r.Dir())
	env := run.Environment
	if env.GetSlurm()["job_id"] != "7" || env.GetGit().GetCommit() != sha || env.GetGit().GetRemoteUrl() != "https://***@host/x.git" || run.Config["max_tokens"] != int64(17) {
		t.Errorf("what is no secret is gone: %v %v", env, run.Config)
	}
	text := ""
	for _, c := range run.Console {
		text += c.Text
	}
	if want := "password=*** Authorization: ***\n*** and ***\nplain line\n"; text != want {
		t.Errorf("console is %q, want %q", text, want)
	}
}

// TestNoSecretIsSent looks for canaries in everything that a server keeps and was
// asked.
func TestNoSecretIsSent(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.DisableMeta, s.ExtraHeaders = false, map[string]string{"X-Proxy-Key": "canary-header"}
	s.Args = []string{"--api-key", "canary-argument", "--lr", "0.1"}
	s.Environ = append(s.Environ, "DB_PASSWORD=canary-environment")
	s.Config = map[string]any{"password": "canary-config", "note": "canary-environment", "lr": 17}
	r := start(t, s)
	fmt.Fprintln(r.ConsoleWriter(false), "token=canary-console and canary-environment")
	err := errors.Join(r.Log(map[string]any{"plain": 1}), r.Alert("canary-environment", "is canary-environment", Info, 0), r.Finish(0))
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{"requests": fmt.Sprintf("%+v", p.Requests(0))}
	err = filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		kept[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if run := p.run(t, r.ID()); len(run.History) != 1 || len(run.Console) != 1 || len(run.Alerts) != 1 || !strings.Contains(run.Config, "17") {
		t.Errorf("what is no secret is gone: %+v", run)
	}
	for name, text := range kept {
		if i := strings.Index(text, "canary"); i >= 0 || strings.Contains(text, testKey) {
			t.Errorf("%s holds a secret: %.80q", name, text[max(i, 0):])
		}
	}
}
