package wandb_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// example is one of the reference documents of the Python client:
// examples/<name>.py, and a function of examples/frompython.
type example struct {
	name    string
	args    []string
	project string   // default: project
	runs    []string // ids that the program names; default: WANDB_RUN_ID says name
	unnamed int      // so many runs have ids by chance
	exit    int      // of the official client's program
	without string   // variable that is not set, though every other proof sets it
	check   func(t *testing.T, p *proof)
}

// examples are those whose stored runs are compared.
var examples = []example{
	{name: "basic"},
	{name: "setup", project: "detect-pedestrians", check: func(t *testing.T, p *proof) {
		run := p.stored("setup")
		want(t, "labels", []any{run.Notes, run.tags(), run.value("learning_rate"), run.value("dataset_id")}, `["tweak baseline",["baseline","paper1"],0.01,"peds-0192"]`)
	}},
	{name: "many", project: "my-projo", unnamed: 10, check: func(t *testing.T, p *proof) {
		for i, id := range p.Runs(entity, p.project) {
			if n := len(p.stored(id).History); n != 100 {
				t.Errorf("run %d has %d rows, want 100", i, n)
			}
		}
	}},
	{name: "active", runs: []string{"first", "second"}},
	{name: "failed", check: func(t *testing.T, p *proof) {
		if run := p.stored("failed"); run.State != "failed" || !run.endedWith(1) {
			t.Errorf("state %s, exit code %v; want failed, 1", run.State, run.ExitCode)
		}
	}},
	{name: "group", runs: []string{"fold-0", "fold-1", "fold-2"}, check: func(t *testing.T, p *proof) {
		run := p.stored("fold-2")
		want(t, "group", []any{run.Group, run.JobType}, `["cv-1","fold-2"]`)
	}},
	{name: "resume", runs: []string{"unique"}, check: rows("unique", `[{"_step":0,"x":0},{"_step":1,"x":1},{"_step":2,"x":2},{"_step":3,"x":3}]`)},
	{name: "rename", check: func(t *testing.T, p *proof) {
		run := p.stored("rename")
		want(t, "names", []any{run.DisplayName, run.Notes, run.tags()}, `["better name","$x + 3$ of\ntwo lines",["a","b"]]`)
	}},
	{name: "preempting"},
	{name: "config", check: func(t *testing.T, p *proof) {
		run := p.stored("config")
		want(t, "config", []any{run.value("epochs"), run.value("batch_size"), len(run.History)}, `[4,32,4]`)
	}},
	{name: "nestedconfig", check: func(t *testing.T, p *proof) {
		want(t, "config", p.stored("nestedconfig").value("train"), `{"epochs":4}`)
	}},
	{name: "beforehand", check: func(t *testing.T, p *proof) {
		run := p.stored("beforehand")
		want(t, "config", []any{run.value("epochs"), len(run.History)}, `[4,4]`)
	}},
	{name: "defaults", check: func(t *testing.T, p *proof) {
		run := p.stored("defaults")
		want(t, "config", []any{run.value("epochs"), run.value("batch_size")}, `[100,64]`)
	}},
	{name: "configfile", check: func(t *testing.T, p *proof) {
		run := p.stored("configfile")
		want(t, "config", []any{run.value("epochs"), run.value("net"), len(run.History)}, `[3,{"act":"relu","layers":[1,2]},3]`)
	}},
	{name: "exclude", runs: []string{"without", "only"}, check: func(t *testing.T, p *proof) {
		for _, id := range []string{"without", "only"} {
			run := p.stored(id)
			want(t, "config", []any{run.value("lr"), run.value("data_dir"), run.value("verbose")}, `[0.1,null,null]`)
		}
	}},
	{name: "flags", check: func(t *testing.T, p *proof) {
		run := p.stored("flags")
		want(t, "config", []any{run.value("epochs"), run.value("batch_size")}, `[4,8]`)
	}},
	{name: "log", check: rows("log", `[{"_step":0,"train-loss":0.5,"accuracy":0.9},{"_step":1,"accuracy":0.9,"epoch":5}]`)},
	{name: "incremental", check: rows("incremental", `[{"_step":0,"loss":0.2,"accuracy":0.8}]`)},
	{name: "steps", check: rows("steps", `[{"_step":0,"train-loss":1,"accuracy":0.5},{"_step":10,"train-loss":0.5,"accuracy":0.6},
		{"_step":20,"train-loss":0.3333333333333333,"accuracy":0.7},{"_step":50,"done":true},{"_step":51,"after":1}]`)},
	{name: "nested", check: rows("nested", `[{"_step":0,"dataset-1":{"acc":0.9,"loss":0.3},"dataset-2":{"acc":0.8,"loss":0.2}},{"_step":1,"train":{"acc":0.9},"val":{"acc":0.8}}]`)},
	{name: "best", check: func(t *testing.T, p *proof) {
		run := p.stored("best")
		want(t, "summary", []any{run.Summary["best_accuracy"], run.Summary["accuracy"], len(run.History)}, `[0.9,0.8,5]`)
	}},
	{name: "sticky"},
	{name: "define", check: func(t *testing.T, p *proof) {
		want(t, "summary", p.stored("define").settled()["val/accuracy"], `{"max":0.9}`)
	}},
	{name: "alert", check: func(t *testing.T, p *proof) {
		if n := len(p.stored("alert").Alerts); n != 1 {
			t.Errorf("%d alerts, want 1", n)
		}
	}},
	{name: "save", check: func(t *testing.T, p *proof) {
		for _, name := range strings.Fields("these/are/myfiles/a.txt are/myfiles/a.txt run123/b.txt Documents/run123/b.txt files/one/saveme.txt files/two/saveme.txt") {
			if p.file("save", name) == "" {
				t.Errorf("file %s is empty", name)
			}
		}
	}},
	{name: "restore", runs: []string{"earlier", "later"}, check: rows("later", `[{"_step":0,"length":8}]`)},
	{name: "histogram", check: func(t *testing.T, p *proof) {
		h := p.stored("histogram").History[0]["gradients"].(map[string]any)
		want(t, "histogram", []any{h["_type"], len(h["values"].([]any))}, `["histogram",64]`)
	}},
	{name: "pictures", check: checkPictures},
	{name: "videofile"},
	{name: "videoarray", check: checkFrames},
	{name: "chart", check: checkFigure},
	{name: "prcurve", check: func(t *testing.T, p *proof) {
		table := decode(t, p.fileUnder("prcurve", "media/table/pr_table_")).(map[string]any)
		want(t, "table", []any{table["columns"], len(table["data"].([]any))}, `[["class","precision","recall"],42]`)
	}},
	{name: "object3d"},
	{name: "table", check: func(t *testing.T, p *proof) {
		table := decode(t, p.fileUnder("table", "media/table/predictions_")).(map[string]any)
		want(t, "table", table["data"], `[[1,"pedestrian",0.9,true],[2,"bicycle",0.4,null]]`)
	}},
	{name: "plottable"},
	{name: "tensor", check: func(t *testing.T, p *proof) {
		w, _ := p.stored("tensor").Summary["weights"].(map[string]any)
		if number(w["min"]) != -1 || number(w["max"]) != 1 || math.Abs(number(w["mean"])) > 1e-12 || math.Abs(number(w["var"])-0.34) > 1e-12 {
			t.Errorf("statistics: %s", jsonText(w))
		}
	}},
	{name: "code", without: "WANDB_DISABLE_CODE", check: func(t *testing.T, p *proof) {
		var files []any
		for _, a := range p.stored("code").Artifacts {
			for name := range a.Contents {
				files = append(files, a.Collection+" "+name)
			}
		}
		want(t, "files", sortJSON(files), `["all-python cache/old.py","all-python lib/net.py","all-python train.py","chosen lib/net.py","chosen lib/notes.ipynb","chosen train.py"]`)
	}},
	{name: "artifacts", runs: []string{"make", "use"}, check: func(t *testing.T, p *proof) {
		want(t, "rows", p.stored("use").logged(), `[{"_step":0,"rows":1}]`)
	}},
	{name: "artifactobject", runs: []string{"make", "use"}, check: rows("use", `[{"_step":0,"rows":2}]`)},
	{name: "path", check: func(t *testing.T, p *proof) {
		var names []any
		for _, a := range p.stored("path").Artifacts {
			names = append(names, a.Collection)
		}
		want(t, "artifacts", sortJSON(names), `["run-path-data","table"]`)
	}},
	{name: "distributed", runs: []string{"rank-0", "rank-1", "last"}},
	{name: "model", runs: []string{"train", "infer"}, check: func(t *testing.T, p *proof) {
		want(t, "rows", p.stored("infer").logged(), `[{"_step":0,"bytes":7}]`)
	}},
	{name: "linkmodel"},
}

// rows asserts the rows of a run.
func rows(id, text string) func(*testing.T, *proof) {
	return func(t *testing.T, p *proof) {
		t.Helper()
		want(t, "rows", p.stored(id).logged(), text)
	}
}

// TestExamples runs the reference documents' examples with the official client
// and as Go programs, and compares what is stored.
func TestExamples(t *testing.T) {
	ours := filepath.Join(t.TempDir(), "frompython")
	build := exec.Command("go", "build", "-o", ours, "./examples/frompython")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	met := &seen{known: slices.Concat(everywhere, exampleDifferences), some: true, times: map[int]int{}}
	t.Cleanup(func() { met.complete(t, len(examples)) })
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			script, err := filepath.Abs(filepath.Join("examples", e.name+".py"))
			if err != nil {
				t.Fatal(err)
			}
			official := e.result(t, e.exit, venv(t, "python"), script)
			if !t.Failed() {
				met.compare(t, e.name, official, e.result(t, 0, ours, e.name))
			}
		})
	}
}

// result runs a program of the example against a server of its own, asserts
// what it is to have in the end, and returns it.
func (e example) result(t *testing.T, exit int, program string, args ...string) result {
	t.Helper()
	p := prove(t)
	if e.project != "" {
		p.project = e.project
	}
	env := p.env(e.name)
	env = slices.DeleteFunc(env, func(v string) bool {
		return (e.runs != nil || e.unnamed > 0) && strings.HasPrefix(v, "WANDB_RUN_ID=") || e.without != "" && strings.HasPrefix(v, e.without+"=")
	})
	if out, code := status(t, t.TempDir(), env, program, append(args, e.args...)...); code != exit {
		t.Fatalf("%s %s: exit status %d, want %d\n%s", filepath.Base(program), e.name, code, exit, out)
	}
	ids := p.Runs(entity, p.project)
	if want := e.ids(); len(ids) != len(want) {
		t.Fatalf("the server has the runs %q, want %d", ids, len(want))
	} else if e.unnamed > 0 {
		for i, id := range ids { // oldest first
			p.aliases = append(p.aliases, id, want[i])
		}
	}
	if e.check != nil {
		e.check(t, p)
	}
	r := result{recording: p.recordingOf(), runs: map[string]any{}}
	for i, id := range ids {
		run := p.stored(id).normal(false)
		delete(run, "metrics")
		r.runs[e.ids()[i]] = run
	}
	return r
}

// ids are what the runs of the example are called here.
func (e example) ids() []string {
	switch {
	case e.unnamed > 0:
		ids := make([]string, e.unnamed)
		for i := range ids {
			ids[i] = fmt.Sprintf("<run %d>", i)
		}
		return ids
	case e.runs != nil:
		return e.runs
	}
	return []string{e.name}
}

// TestExamplesAreComplete: every program of either side is one of the examples.
func TestExamplesAreComplete(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join("examples", "*.py"))
	if err != nil || len(scripts) != len(examples) {
		t.Errorf("%d programs in examples, want %d: %v", len(scripts), len(examples), err)
	}
	for _, e := range examples {
		if _, err := os.Stat(filepath.Join("examples", e.name+".py")); err != nil {
			t.Error(err)
		}
	}
}
