package console

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOfficialClient: testdata/official.json has what wandb 0.28.2 left in
// output.log, and sent to a server in lines of the same text, after these
// writes.
func TestOfficialClient(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "official.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Want string
		Writes     []struct{ To, Text string }
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		f, err := os.Create(filepath.Join(t.TempDir(), "output.log"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s := New(Options{Text: NewText(f)})
		for _, w := range c.Writes {
			if w.To == "log" {
				s.Line(noon, w.Text)
			} else {
				s.Write(w.To == "stderr", noon, w.Text)
			}
		}
		s.End()
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(f.Name()); string(got) != c.Want {
			t.Errorf("%s: file is %q, want %q", c.Name, got, c.Want)
		}
		got := strings.Join(append(texts(t, s), ""), "\n")
		if got != c.Want {
			t.Errorf("%s: lines are %q, want %q", c.Name, got, c.Want)
		}
	}
}
