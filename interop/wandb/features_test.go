package wandb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// features are what is proved, with what the server must have in the end.
var features = []feature{
	{name: "config", check: func(t *testing.T, p *proof, _ string) {
		run := p.stored("config")
		for key, text := range map[string]string{
			"lr": `0.2`, "net": `{"act":"gelu","deep":{"x":Infinity},"layers":[1,2]}`, "none": `null`, "flag": `true`, "text": `"é<>&"`, "big": `9007199254740993`, "late": `7`,
		} {
			want(t, "config "+key, run.value(key), text)
		}
		if state := run.State; state != "finished" || run.ExitCode == nil || *run.ExitCode != 0 {
			t.Errorf("state %s, exit code %v; want finished, 0", state, run.ExitCode)
		}
		contains(t, "config.yaml", p.file("config", "config.yaml"), "lr:", "value: 0.2", "act: gelu")
		if internal, _ := run.value("_wandb").(map[string]any); internal["t"] == nil || internal["e"] == nil || internal["m"] == nil {
			t.Errorf("_wandb is %v, want t, e and m", internal)
		}
	}},
	{name: "log", check: func(t *testing.T, p *proof, _ string) {
		want(t, "rows", p.stored("log").logged(), `[{"_step":0,"loss":1,"deep":{"x":0,"y":{"z":0}}},{"_step":1,"loss":0.5,"deep":{"x":1,"y":{"z":-1}}},
			{"_step":2,"loss":0.3333333333333333,"deep":{"x":2,"y":{"z":-2}}},{"_step":3,"loss":0.25,"deep":{"x":3,"y":{"z":-3}}},{"_step":4,"loss":0.2,"deep":{"x":4,"y":{"z":-4}}},
			{"_step":5,"a":3,"b":2},{"_step":20,"odd":NaN,"inf":Infinity,"neg":-Infinity,"big":9007199254740993,"text":"é\n\"<>","flag":true,"list":[1,2.5,"x"],"none":null,"more":1},
			{"_step":21,"slash/key":1,"dot.key":2,"tail":1}]`)
	}},
	{name: "metrics", check: func(t *testing.T, p *proof, _ string) {
		run := p.stored("metrics")
		summary := run.settled()
		if best, ok := summary["acc"].(map[string]any); ok { // ours computes it: see the table of differences
			summary["acc"] = best["best"]
		}
		want(t, "summary", summary, `{"epoch":2,"val/acc":{"max":0.5},"loss":{"min":0.3333333333333333,"mean":0.8166666666666665,"last":0.3333333333333333},
			"acc":5,"first":{"first":0},"train/x":5,"batches":50}`)
		internal, _ := run.value("_wandb").(map[string]any)
		if defs := jsonText(internal["m"]); !strings.Contains(defs, `"1":"epoch"`) || !strings.Contains(defs, `"val/`) {
			t.Errorf("metric definitions: %s", defs)
		}
	}},
	{name: "summary", check: func(t *testing.T, p *proof, _ string) {
		want(t, "summary", p.stored("summary").settled(), `{"loss":9,"kept":1,"best":{"loss":0.5,"at":{"epoch":3}},"late":"x"}`)
		want(t, "wandb-summary.json", decode(t, p.file("summary", "wandb-summary.json")).(map[string]any)["late"], `"x"`)
	}},
	{name: "labels", check: func(t *testing.T, p *proof, _ string) {
		run := p.stored("labels")
		want(t, "labels", []any{run.DisplayName, run.Group, run.JobType, run.Notes, run.tags()}, `["second name","g","train","other notes",["a","b","c"]]`)
	}},
	{name: "save", check: func(t *testing.T, p *proof, _ string) {
		for name, text := range map[string]string{"now.txt": "now.txt\n", "end.txt": "end.txt\n", "live.txt": "live.txt\nmore\n", "sub/deep.txt": "sub/deep.txt\n", "empty.txt": "", "sub/abs.txt": "sub/abs.txt\n"} {
			if got := p.file("save", name); got != text {
				t.Errorf("file %s: %q, want %q", name, got, text)
			}
		}
	}},
	{name: "alert", check: func(t *testing.T, p *proof, _ string) {
		var got []any
		for _, a := range p.stored("alert").Alerts {
			got = append(got, []any{a.Title, a.Text, a.Severity})
		}
		want(t, "alerts", sortJSON(got), `[["broken","loss is NaN","ERROR"],["slow","below\nthe target","WARN"],["started","all is well","INFO"]]`)
	}},
	{name: "console", check: func(t *testing.T, p *proof, _ string) {
		lines := strings.Join(p.stored("console").Console, "\n")
		contains(t, "console", lines, "plain line", "progress 100%", "red", "bold", "to stderr", "é 世界 no end")
		if strings.Contains(lines, "progress  20%") {
			t.Errorf("the console keeps what the progress bar wrote over:\n%s", lines)
		}
		contains(t, "output.log", p.file("console", "output.log"), "plain line", "é 世界 no end")
	}},
	{name: "finish", args: []string{"finish", "3"}, check: ended(3)},
	{name: "media", chance: pixelNames, check: checkMedia},
	{name: "artifact", runs: []string{"artifact", "artifact-use"}, chance: digestElsewhere, check: checkArtifacts},
	{name: "code", check: func(t *testing.T, p *proof, _ string) {
		made := p.stored("code").Artifacts
		if len(made) != 1 || made[0].Collection != "source-mine" || made[0].Type != "code" || len(made[0].Contents) != 2 {
			t.Errorf("the code is %+v, want two files", made)
		}
	}},
	{name: "models", runs: []string{"models", "models-use"}, check: func(t *testing.T, p *proof, out string) {
		contains(t, "program", out, "directory ['sub', 'w.bin']", "file one.bin", "registered one.bin", "refused nobody:v0")
	}},
	{name: "resume", runs: []string{"resume", "resume2", "resume3"}, check: checkResume},
	{name: "fork", runs: []string{"fork"}, check: func(t *testing.T, p *proof, _ string) {
		run := p.stored("fork")
		last := run.logged()[len(run.History)-1]
		want(t, "first own row", last, `{"_step":2,"x":10}`)
		internal, _ := run.value("_wandb").(map[string]any)
		want(t, "branch point", internal["branch_point"], `{"run_id":"forked-from","step":1}`)
	}},
	{name: "api", check: checkReadBack, after: func(t *testing.T, p *proof) {
		out, code := p.official("api", "read")
		if code != 0 {
			t.Fatalf("the official client cannot read our run back:\n%s", out)
		}
		checkReadBack(t, p, out)
	}},
	{name: "login", runs: []string{}, allowed: []string{"API key"}, check: func(t *testing.T, _ *proof, out string) {
		contains(t, "login", out, "viewer:", "refused: AuthenticationError")
	}},
	{name: "stop", beside: stopWhenItRuns, check: func(t *testing.T, p *proof, out string) {
		contains(t, "program", out, "stopped")
		if run := p.stored("stop"); run.State != "finished" || len(run.History) == 0 {
			t.Errorf("state %s with %d rows, want finished", run.State, len(run.History))
		}
	}},
	{name: "shared", shared: true, check: checkShared},
	{name: "sweep", runs: []string{}, chance: func(p *proof) []string {
		run := p.stored(p.Runs(entity, project)[0])
		return []string{run.Name, "<run>", run.Sweep, "<sweep>"}
	}, check: func(t *testing.T, p *proof, out string) {
		runs := p.Runs(entity, project)
		if len(runs) != 1 {
			t.Fatalf("the sweep has %d runs, want 1: %q\n%s", len(runs), runs, out)
		}
		run := p.stored(runs[0])
		if run.Sweep == "" || run.State != "finished" {
			t.Errorf("sweep %q, state %s", run.Sweep, run.State)
		}
		want(t, "config", []any{run.value("lr"), run.value("fixed")}, `[0.1,3]`)
		want(t, "loss", run.settled()["loss"], `0.2`)
	}},
}

// lineWith returns the line of a program's output that begins with a text.
func lineWith(t *testing.T, out, begin string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, begin) {
			return line
		}
	}
	t.Fatalf("no line begins with %s:\n%s", begin, out)
	return ""
}

// ended asserts how the run of the program finish ended.
func ended(code int) func(*testing.T, *proof, string) {
	return func(t *testing.T, p *proof, _ string) {
		t.Helper()
		run := p.stored("finish")
		state := map[bool]string{true: "finished", false: "failed"}[code == 0]
		if run.State != state || run.ExitCode == nil || *run.ExitCode != code {
			t.Errorf("state %s, exit code %s; want %s, %d", run.State, jsonText(run.ExitCode), state, code)
		}
	}
}

// stopWhenItRuns asks the run of the program stop to stop, once it has sent a row.
func stopWhenItRuns(p *proof) {
	for range 3000 {
		if run, err := p.Run(entity, project, "stop"); err == nil && len(run.History) > 0 {
			if err := p.RequestStop(entity, project, "stop"); err != nil {
				p.t.Error(err)
			}
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.t.Error("the run to be stopped has sent no row")
}

// said is what a program printed without the words of the official client.
func said(out string) string {
	var own strings.Builder
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "wandb") {
			own.WriteString(line)
		}
	}
	return own.String()
}

func checkResume(t *testing.T, p *proof, out string) {
	contains(t, "program", said(out), "refused: UsageError\n(3, False)\nrefused: UsageError\n(5, True)\n(6, True)\n(1, False)\n(1, False)\n(2, True)\n(4, False)\n")
	run := p.stored("resume")
	want(t, "rows", run.logged(), `[{"_step":0,"x":0},{"_step":1,"x":1},{"_step":2,"x":2},{"_step":3,"x":6}]`)
	want(t, "config", []any{run.value("lr"), run.value("old"), run.value("new")}, `[0.2,1,2]`)
}

func checkShared(t *testing.T, p *proof, _ string) {
	run := p.stored("shared")
	seen := map[string]int{}
	for i, row := range run.History {
		if row["_step"] != int64(i) {
			t.Errorf("row %d has step %v", i, row["_step"])
		}
		for k := range row {
			seen[k]++
		}
	}
	if seen["primary/x"] != 3 || seen["second/x"] != 3 || len(run.History) != 6 {
		t.Errorf("rows: %v", run.logged())
	}
	var labels [2]bool
	for _, e := range run.Events {
		for k := range e {
			labels[0] = labels[0] || strings.HasSuffix(k, "/l:primary")
			labels[1] = labels[1] || strings.HasSuffix(k, "/l:second")
		}
	}
	if !labels[0] || !labels[1] || run.State != "finished" {
		t.Errorf("system metrics of both writers: %v; state %s", labels, run.State)
	}
	want(t, "config", run.value("lr"), `0.1`)
}

func checkMedia(t *testing.T, p *proof, _ string) {
	run := p.stored("media")
	types := map[string]string{}
	for _, row := range run.History {
		for k, v := range row {
			if m, ok := v.(map[string]any); ok {
				types[k] = fmt.Sprint(m["_type"])
				if path, ok := m["path"].(string); ok {
					if got := len(p.file("media", path)); int64(got) != m["size"] {
						t.Errorf("%s: file of %d bytes, want %v", k, got, m["size"])
					}
				}
			}
		}
	}
	want(t, "types", mapOf(types), `{"image":"image-file","images":"images/separated","audio":"audio-file","video":"video-file","html":"html-file","mesh":"object3D-file",
		"cloud":"object3D-file","plot":"plotly-file","histogram":"histogram","array":"histogram","table":"table-file","chart_table":"table-file"}`)
	if table := decode(t, p.fileUnder("media", "media/table/table_")).(map[string]any); jsonText(table["data"]) != `[[1,"a",true],[2.5,"b",null]]` {
		t.Errorf("table: %v", table)
	}
}

func checkArtifacts(t *testing.T, p *proof, out string) {
	contains(t, "program", out, "same content is version v1",
		"downloaded ['all/sub/three.txt', 'all/two.txt', 'made.txt', 'one.txt']",
		"entries ['all/sub/three.txt', 'all/two.txt', 'made.txt', 'one.txt'] v0 ['best'", "references ['far.txt', 'near.txt']",
		"increment ['added.txt', 'new.txt', 'one.txt']")
}

// digestElsewhere is that of an artifact whose references name a port and a
// directory.
func digestElsewhere(p *proof) []string {
	for _, a := range p.stored("artifact").Artifacts {
		if a.Collection == "elsewhere" {
			return []string{a.Digest, "<digest>"}
		}
	}
	return nil
}

func checkReadBack(t *testing.T, p *proof, out string) {
	want(t, "read back", decode(t, lineWith(t, out, `{"config"`)), `{"config":{"lr":0.1,"net":{"act":"relu"}},"files":["config.yaml","kept.txt","wandb-metadata.json","wandb-summary.json"],
			"group":"g","history":[{"_step":0,"deep.x":0,"loss":1},{"_step":1,"deep.x":1,"loss":0.5},{"_step":2,"deep.x":2,"loss":0.3333333333333333},{"_step":3,"deep.x":3,"loss":0.25},{"_step":4,"deep.x":4,"loss":0.2}],
			"kept":"kept\n","name":"read me","notes":"n","runs":["api"],"scan":[1,0.5,0.3333333333333333,0.25,0.2],"state":"finished","summary":{"best":0.2,"deep":{"x":4},"loss":0.2},"tags":["a"]}`)
}
