package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// stream sends a request of the file stream and returns status and answer.
func (s *site) stream(run, body string, head map[string]string) (int, string) {
	s.t.Helper()
	status, text, _ := s.send(http.MethodPost, s.url+"/files/local/p/"+run+"/file_stream", []byte(body), head)
	return status, text
}

func (s *site) streamed(run, body string, head map[string]string) {
	s.t.Helper()
	if status, text := s.stream(run, body, head); status != http.StatusOK {
		s.t.Fatalf("file stream %.80s: %d %s", body, status, text)
	}
}

// stored reads a run back.
func (s *site) stored(run string) *server.Run {
	s.t.Helper()
	r, err := s.Run("local", "p", run)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// content is a request with lines of one file.
func content(file string, offset int, lines ...string) string {
	text, _ := json.Marshal(object{"files": object{file: object{"offset": offset, "content": lines}}})
	return string(text)
}

// TestConsole rewrites lines, as terminals do, and reads them back taken apart.
func TestConsole(t *testing.T) {
	s := artifacts(t)
	s.streamed("r1", content("output.log", 0, "2026-01-02T03:04:05.000001 10%", "ERROR 2026-01-02T03:04:06.000001 [n1] oops"), nil)
	s.streamed("r1", content("output.log", 0, "2026-01-02T03:04:07.000001 20%"), nil)
	s.streamed("r1", content("output.log", 2, `{"level":"error","ts":"2026-01-02T03:04:08","content":"structured"}`, "anything"), nil)
	want := []string{"2026-01-02T03:04:07.000001 20%", "ERROR 2026-01-02T03:04:06.000001 [n1] oops",
		`{"level":"error","ts":"2026-01-02T03:04:08","content":"structured"}`, "anything"}
	if got := s.stored("r1").Console; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	edges := s.must(`query L {project(name: "p", entityName: "local") {run(name: "r1") {logLineCount logLines(last: 3) {
		edges {node {number timestamp level label line}}}}}}`, nil, "project", "run", "logLines", "edges")
	got, _ := json.Marshal(edges)
	for _, part := range []string{`"label":"n1","level":"error","line":"oops","number":1`, `"line":"structured"`, `"line":"anything","number":3,"timestamp":null`} {
		if !strings.Contains(string(got), part) {
			t.Errorf("log lines: got %s, want %s among them", got, part)
		}
	}
	s.noViolations()
}

// TestShared: two writers of one run get line numbers and steps in the order
// they come, and a request that comes again adds nothing.
func TestShared(t *testing.T) {
	s := artifacts(t)
	head := func(client string) map[string]string {
		return map[string]string{"X-WANDB-USE-ASYNC-FILESTREAM": "true", "X-WANDB-ASYNC-CLIENT-ID": client}
	}
	for range 2 {
		s.streamed("r1", content("wandb-history.jsonl", 0, `{"a":1}`, `{"a":2}`), head("one"))
	}
	s.streamed("r1", content("wandb-history.jsonl", 0, `{"b":1}`), head("two"))
	s.streamed("r1", content("wandb-history.jsonl", 2, `{} `), head("one"))
	want := []string{`{"a":1,"_step":0}`, `{"a":2,"_step":1}`, `{"b":1,"_step":2}`, `{"_step":3}`}
	if got := s.stored("r1").History; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.streamed("r1", content("output.log", 0, "one"), head("one"))
	s.streamed("r1", content("output.log", 0, "two"), head("two"))
	if got := s.stored("r1").Console; !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("console: got %q", got)
	}
	s.noViolations()
	for name, body := range map[string]string{
		"gap": content("wandb-history.jsonl", 9, `{"a":1}`), "console gap": content("output.log", 9, "x"), "step": content("wandb-history.jsonl", 3, `{"_step":7}`),
	} {
		if status, text := s.stream("r1", body, head("one")); status < 400 || status > 499 {
			t.Errorf("%s: got %d %s, want 4xx", name, status, text)
		}
	}
}

// TestStates follows a run through its life.
func TestStates(t *testing.T) {
	s := artifacts(t)
	check := func(after, want string) {
		t.Helper()
		if got := s.stored("r1").State; got != want {
			t.Errorf("after %s: got %s, want %s", after, got, want)
		}
	}
	check("upsertBucket", "running")
	s.streamed("r1", `{"preempting":true}`, nil)
	s.streamed("r1", `{}`, nil)
	check("preempting and a heartbeat", "preempting")
	s.streamed("r1", content("wandb-history.jsonl", 0, `{"_step":0}`), nil)
	check("a row", "running")
	s.streamed("r1", `{"complete":true,"exitcode":3,"uploaded":["b","a","b"]}`, nil)
	s.streamed("r1", `{}`, nil)
	check("exit 3 and a heartbeat", "failed")
	if r := s.stored("r1"); *r.ExitCode != 3 || !slices.Equal(r.Uploaded, []string{"a", "b"}) {
		t.Errorf("got exit %d, uploaded %q", *r.ExitCode, r.Uploaded)
	}
	s.streamed("r1", `{"complete":true,"exitcode":0}`, nil)
	check("exit 0", "finished")
	s.streamed("r1", `{"complete":true}`, nil)
	if r := s.stored("r1"); r.State != "failed" || r.ExitCode != nil {
		t.Errorf("an end without exit code: got %s %v", r.State, r.ExitCode)
	}
	s.noViolations()
}

// TestStop: the wish reaches the client by the file stream and by a query.
func TestStop(t *testing.T) {
	s := artifacts(t)
	stopped := func() (bool, any) {
		_, text := s.stream("r1", `{}`, nil)
		return strings.Contains(text, `"stopped":true`), s.must(`query R($p: String, $e: String, $r: String!) {project(name: $p, entityName: $e) {run(name: $r) {stopped}}}`,
			object{"p": "p", "e": "local", "r": "r1"}, "project", "run", "stopped")
	}
	if a, b := stopped(); a || b != false {
		t.Errorf("before: got %v, %v", a, b)
	}
	if status, text, _ := s.send(http.MethodPost, s.url+"/proof/stop/local/p/r1", nil, nil); status != http.StatusOK {
		t.Fatalf("stop: %d %s", status, text)
	}
	if a, b := stopped(); !a || b != true {
		t.Errorf("after: got %v, %v", a, b)
	}
	s.noViolations()
}

// TestRewind keeps the rows up to a step, on disk as well.
func TestRewind(t *testing.T) {
	dir := t.TempDir()
	s := newSite(t, server.Options{Dir: dir})
	s.run("r1")
	s.streamed("r1", content("wandb-history.jsonl", 0, `{"_step":0}`, `{"_step":2}`, `{"_step":4}`), nil)
	got := s.must(`mutation R {rewindRun(input: {runName: "r1", entityName: "local", projectName: "p", metricName: "_step", metricValue: 2}) {
		rewoundRun {historyLineCount}}}`, nil, "rewindRun", "rewoundRun", "historyLineCount")
	if got != 2.0 {
		t.Errorf("got %v lines, want 2", got)
	}
	s.streamed("r1", content("wandb-history.jsonl", 2, `{"_step":3}`), nil)
	text, err := os.ReadFile(filepath.Join(dir, "local", "p", "runs", "r1", "history.jsonl"))
	if err != nil || string(text) != "{\"_step\":0}\n{\"_step\":2}\n{\"_step\":3}\n" {
		t.Errorf("got %q, %v", text, err)
	}
	s.noViolations()
}

// TestFiles uploads run files to signed URLs, and finds what is wrong with
// others.
func TestFiles(t *testing.T) {
	s := artifacts(t)
	const create = `mutation C($f: [String!]!) {createRunFiles(input: {entityName: "local", projectName: "p", runName: "r1", files: $f}) {runID uploadHeaders files {name uploadUrl}}}`
	names := []any{"media/images/a b_0_x.png", "empty", "ünï/100%.txt"}
	files := s.must(create, object{"f": names}, "createRunFiles", "files")
	for i, name := range names {
		if at(files, i, "name") != name {
			t.Errorf("file %d: got name %v, want %v", i, at(files, i, "name"), name)
		}
		if status := s.put(at(files, i, "uploadUrl"), []byte(strings.Repeat("x", i*7))); status != http.StatusOK {
			t.Errorf("%v: got status %d", name, status)
		}
	}
	var got []string
	for _, f := range s.stored("r1").Files {
		got = append(got, fmt.Sprint(f.Name, " ", f.Size))
	}
	if want := []string{"empty 7", "media/images/a b_0_x.png 0", "ünï/100%.txt 14"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	url := s.must(`query F {project(name: "p", entityName: "local") {run(name: "r1") {files(names: ["empty"]) {edges {node {directUrl md5}}}}}}`, nil,
		"project", "run", "files", "edges", 0, "node", "directUrl").(string)
	if status, text, _ := s.send(http.MethodGet, url, nil, nil); status != http.StatusOK || text != "xxxxxxx" {
		t.Errorf("download: got %d %q", status, text)
	}
	s.noViolations()
	signed := at(files, 0, "uploadUrl").(string)
	for name, status := range map[string]int{
		strings.Replace(signed, "sig=", "sig=0", 1): http.StatusForbidden, strings.Replace(signed, "until=", "until=1", 1): http.StatusForbidden,
		s.url + "/storage/run/x/y": http.StatusForbidden, url: http.StatusForbidden,
	} {
		if got := s.put(name, nil); got != status {
			t.Errorf("PUT %s: got %d, want %d", strings.TrimPrefix(name, s.url), got, status)
		}
	}
	if status, _, _ := s.send(http.MethodPut, signed, nil, map[string]string{"Authorization": "Basic x"}); status != http.StatusBadRequest {
		t.Errorf("credentials to a signed URL: got %d, want 400", status)
	}
	if n := len(s.Violations()); n != 5 {
		t.Errorf("got %d violations, want 5: %q", n, s.Violations())
	}
	if _, err := s.query(create, object{"f": []any{"../x"}}); err == nil {
		t.Error("a file outside the run was taken")
	}
}

// TestKeys: who has no key is not let in.
func TestKeys(t *testing.T) {
	s := newSite(t, server.Options{Dir: t.TempDir(), Key: testKey})
	other := "Basic " + base64.StdEncoding.EncodeToString([]byte("api:"+strings.Repeat("1", 40)))
	for _, auth := range []string{other, "Basic eDp5", "Bearer x", "nonsense"} {
		for _, path := range []string{"/graphql", "/files/local/p/r/file_stream"} {
			status, text, _ := s.send(http.MethodPost, s.url+path, []byte(`{}`), map[string]string{"Authorization": auth})
			if status != http.StatusUnauthorized {
				t.Errorf("%s with %s: got %d %s, want 401", path, auth, status, text)
			}
		}
	}
	for _, r := range s.Requests(0) {
		if text, _ := json.Marshal(r); strings.Contains(string(text), "eDp5") {
			t.Errorf("the account of requests holds a credential: %s", text)
		}
	}
}

// TestNaNSurvives: what is no plain JSON is found again after a restart.
func TestNaNSurvives(t *testing.T) {
	dir := t.TempDir()
	first := newSite(t, server.Options{Dir: dir})
	config := `{"a":{"value":NaN},"_wandb":{"value":{"t":{"1":-Infinity}}}}`
	first.must(`mutation R($c: JSONString) {upsertBucket(input: {name: "r1", modelName: "p", config: $c}) {inserted}}`, object{"c": config})
	first.streamed("r1", content("wandb-summary.json", 0, `{"x":Infinity}`), nil)
	second := newSite(t, server.Options{Dir: dir})
	if r := second.stored("r1"); r.Config != config || r.Summary != `{"x":Infinity}` {
		t.Errorf("got config %s, summary %s", r.Config, r.Summary)
	}
}
