package pyclient

import (
	"strings"
	"testing"
)

func TestRunPath(t *testing.T) {
	check := func(text, entity, project string) {
		t.Helper()
		e, p, ok := RunPath([]byte(text), "ab12")
		if e != entity || p != project || ok != (entity != "") {
			t.Errorf("%q: got %q, %q, %v", text, e, p, ok)
		}
	}
	check("wandb: View run snake at: http://127.0.0.1:1/local/my%20project/runs/ab12\n", "local", "my project")
	check("\x1b[34m\x1b[4mhttps://wandb.ai/team/p/runs/ab12\x1b[0m", "team", "p")
	check("https://wandb.ai/team/p/runs/ab123 https://wandb.ai/team/q/runs/ab12", "team", "q")
	check("https://wandb.ai/team/p/runs/ab12x", "", "")
	check("saved in wandb/run-20260101_120000-ab12", "", "")
}

func FuzzRunPath(f *testing.F) {
	f.Add([]byte("x http://h/e/p/runs/ab12\n"), "ab12")
	f.Add([]byte("/%zz/p/runs/a"), "a")
	f.Fuzz(func(t *testing.T, text []byte, id string) {
		entity, project, ok := RunPath(text, id)
		if ok && (entity == "" || project == "" || !strings.Contains(string(text), "/runs/"+id)) {
			t.Errorf("%q: got %q, %q", text, entity, project)
		}
	})
}
