package wandb_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// Names under which every proof stores.
const (
	entity  = "local"
	project = "proof"
)

// proof is a server of ours and what clients asked of it.
type proof struct {
	*server.Server
	t       *testing.T
	url     string
	project string // of the runs; default: project

	mu       sync.Mutex // guards requests
	requests []server.Request
	aliases  []string // old, new: names that chance gave, and what recordings call them
}

// prove starts a server. At the end of the test it must have seen nothing that
// the protocol does not allow, but for the allowed words.
func prove(t *testing.T, allowed ...string) *proof {
	t.Helper()
	p := &proof{t: t, project: project}
	var err error
	p.Server, err = server.Open(server.Options{Dir: t.TempDir(), Entity: entity, Key: fakeKey, Record: p.record})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(p.Server)
	p.url = h.URL
	t.Cleanup(func() {
		h.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		for _, v := range p.Violations() {
			if !slices.ContainsFunc(allowed, func(a string) bool { return strings.Contains(v, a) }) {
				t.Errorf("violation: %s", v)
			}
		}
	})
	return p
}

func (p *proof) record(r server.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r)
}

// aliased replaces names that chance gave.
func (p *proof) aliased(text string) string { return strings.NewReplacer(p.aliases...).Replace(text) }

// env is what a client of either kind needs to find the server.
func (p *proof) env(id string) []string {
	return []string{
		"WANDB_BASE_URL=" + p.url, "WANDB_API_KEY=" + fakeKey, "WANDB_PROJECT=" + project, "WANDB_RUN_ID=" + id,
		"WANDB_DISABLE_GIT=true", "WANDB_DISABLE_CODE=true", "WANDB_X_STATS_SAMPLING_INTERVAL=0.5", "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL=0.5",
		"GIT_CONFIG_GLOBAL=/dev/null", "PYTHONUNBUFFERED=1",
	}
}

// stored reads a run back. Values of JSON text are decoded.
func (p *proof) stored(id string) *storedRun { return p.storedIn(p.project, id) }

func (p *proof) storedIn(project, id string) *storedRun {
	p.t.Helper()
	run, err := p.Run(entity, project, id)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(run)
	if err != nil {
		p.t.Fatal(err)
	}
	s := &storedRun{Run: run, Raw: p.object(p.aliased(string(text)))}
	s.Config = p.object(run.Config)
	s.Summary = p.object(p.aliased(run.Summary))
	for _, line := range run.History {
		s.History = append(s.History, p.object(p.aliased(line)))
	}
	for i := range run.Files {
		f := &run.Files[i]
		f.Name, f.MD5 = p.aliased(f.Name), p.aliased(f.MD5)
	}
	for _, line := range run.Events {
		s.Events = append(s.Events, p.object(line))
	}
	return s
}

func (p *proof) object(text string) map[string]any {
	p.t.Helper()
	if text == "" {
		return map[string]any{}
	}
	m, ok := decode(p.t, text).(map[string]any)
	if !ok {
		p.t.Fatalf("stored %q is no object", text)
	}
	return m
}

// storedRun is a run as the server keeps it. The fields of the server's own
// type that hold JSON text are decoded.
type storedRun struct {
	*server.Run
	Raw             map[string]any
	Config, Summary map[string]any
	History, Events []map[string]any
}

// value is one entry of the config without its wrapping.
func (s *storedRun) value(key string) any {
	entry, _ := s.Config[key].(map[string]any)
	return entry["value"]
}

// file reads a file of a stored run.
func (p *proof) file(id, name string) string {
	p.t.Helper()
	text, err := p.File(entity, p.project, id, name)
	if err != nil {
		p.t.Fatalf("file %s of run %s: %v", name, id, err)
	}
	return string(text)
}

// official runs a program of the directory official against the server.
func (p *proof) official(program string, args ...string) (string, int) {
	p.t.Helper()
	script, err := filepath.Abs(filepath.Join("official", program+".py"))
	if err != nil {
		p.t.Fatal(err)
	}
	return status(p.t, p.t.TempDir(), p.env(program), venv(p.t, "python"), append([]string{script}, args...)...)
}

// only returns the one directory that a pattern finds.
func only(t *testing.T, pattern ...string) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(pattern...))
	if len(found) != 1 {
		t.Fatalf("%d directories match %s, want 1", len(found), filepath.Join(pattern...))
	}
	return found[0]
}

// venv returns a program of the virtual environment that setup.sh made.
func venv(t *testing.T, program string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", ".cache", "wandb-venv", "bin", program))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run interop/setup.sh first (make interop does)", err)
	}
	return path
}
