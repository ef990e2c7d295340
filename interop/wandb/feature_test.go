package wandb_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("update", false, "write what the official client asks today to testdata/recordings, and docs/equality.md")

// feature is something that the official client does, and that we do as well.
type feature struct {
	name    string   // program official/<name>.py
	args    []string // of the program
	exit    int      // exit status of the program
	runs    []string // ids of the runs it makes; default: name
	allowed []string // words of violations that it provokes on purpose
	beside  func(p *proof)
	shared  bool                    // writers mix their rows as chance will; it lasts long enough for system metrics
	chance  func(p *proof) []string // old, new: names that chance gave, and what recordings call them
	check   func(t *testing.T, p *proof, out string)
	after   func(t *testing.T, p *proof) // of our program, with what it stored
}

func (f feature) ids() []string {
	if f.runs != nil {
		return f.runs
	}
	return []string{f.name}
}

// result is what a server has after a program.
type result struct {
	recording recording
	runs      map[string]any // normal form of the stored runs, by id
}

func (f feature) result(p *proof) result {
	if f.chance != nil {
		p.aliases = f.chance(p)
	}
	r := result{recording: p.recordingOf(), runs: map[string]any{}}
	for _, id := range f.ids() {
		run := p.stored(id).normal(f.shared)
		if !f.shared {
			delete(run, "metrics")
		}
		r.runs[id] = run
	}
	return r
}

// official runs the feature's program and asserts what the server then has.
func (f feature) official(t *testing.T) result {
	p := prove(t, f.allowed...)
	if f.beside != nil {
		go f.beside(p)
	}
	out, code := p.official(f.name, f.args...)
	if code != f.exit {
		t.Fatalf("official/%s.py: exit status %d, want %d\n%s", f.name, code, f.exit, out)
	}
	f.check(t, p, out)
	return f.result(p)
}

// TestFeatures runs every program of the official client against the server,
// then the same program of ours, and compares what they asked and left.
func TestFeatures(t *testing.T) {
	met, all := &seen{known: slices.Concat(everywhere, differences), times: map[int]int{}}, 0
	t.Cleanup(func() { met.complete(t, all) })
	for _, f := range features {
		if f.compared() {
			all++
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			official := f.official(t)
			if !t.Failed() {
				compareRecording(t, f.name, official.recording)
			}
			if f.compared() && !t.Failed() {
				met.compare(t, f.name, official, f.ours(t))
			}
		})
	}
}

// compareRecording compares with what an earlier run asked.
func compareRecording(t *testing.T, name string, got recording) {
	t.Helper()
	path := filepath.Join("testdata", "recordings", name+".json")
	text := indented(t, got)
	if *rewrite {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		a, b := decode(t, string(want)), decode(t, text)
		for _, d := range diff("", a, b) {
			t.Errorf("the official client asks otherwise than %s says: %s", path, d)
		}
	}
}

// want compares a decoded value with JSON text.
func want(t *testing.T, what string, got any, text string) {
	t.Helper()
	if got, want := jsonText(plain(got)), jsonText(decode(t, text)); got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// contains asserts that text has all of the words.
func contains(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}
