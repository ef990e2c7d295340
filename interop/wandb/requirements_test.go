package wandb_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/pydeps"
)

// TestRequirementsAreThoseOfTheOfficialClient: what is read from the files of its
// environment is what the client itself stores.
func TestRequirementsAreThoseOfTheOfficialClient(t *testing.T) {
	p := prove(t)
	if out, code := p.official("alert"); code != 0 {
		t.Fatalf("official/alert.py: exit status %d\n%s", code, out)
	}
	theirs := strings.Fields(p.file("alert", "requirements.txt"))
	slices.Sort(theirs)
	python, err := filepath.Abs(venv(t, "python"))
	if err != nil {
		t.Fatal(err)
	}
	exe, err := filepath.EvalSymlinks(python)
	if err != nil {
		t.Fatal(err)
	}
	ours := pydeps.Requirements(pydeps.Process{Command: python, Exe: exe}.Sites())
	if !slices.Equal(ours, theirs) || len(ours) < 10 {
		t.Errorf("read from files %q,\nthe client says %q", ours, theirs)
	}
}
