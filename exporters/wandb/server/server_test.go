package server_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

var testKey = strings.Repeat("0", 40)

// open starts a server and makes a client of it.
func open(t testing.TB, dir string) (*server.Server, *api.Client) {
	t.Helper()
	s, err := server.Open(server.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(func() { h.Close(); s.Close() })
	c, err := api.New(api.Options{BaseURL: h.URL, Key: api.NewKey(testKey)})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestRunIsKept(t *testing.T) {
	dir := t.TempDir()
	s, c := open(t, dir)
	ctx := context.Background()
	b, err := c.UpsertBucket(ctx, api.UpsertInput{Name: "r1", Project: "p", Config: `{"lr":{"value":0.1},"_wandb":{"value":{"t":{}}}}`, Tags: []string{"a"}})
	if err != nil || !b.Inserted || b.Entity != "local" || b.DisplayName == "" {
		t.Fatalf("got %+v, %v", b, err)
	}
	body := `{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"loss\":NaN,\"_step\":0}","{\"loss\":1,\"_step\":1}"]},"wandb-summary.json":{"offset":0,"content":["{\"loss\":1}"]}},"complete":true,"exitcode":0}`
	for range 2 { // the same lines again are no new ones
		if _, err := c.FileStream(ctx, "local", "p", "r1", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(s *server.Server) {
		t.Helper()
		run, err := s.Run("local", "p", "r1")
		if err != nil || len(run.History) != 2 || run.Summary != `{"loss":1}` || run.State != "finished" || *run.ExitCode != 0 || len(s.Violations()) != 0 {
			t.Errorf("got %+v, %v, violations %q", run, err, s.Violations())
		}
	}
	check(s)
	info, err := c.ResumeStatus(ctx, "local", "p", "r1")
	if err != nil || info.HistoryLineCount != 2 || !info.Started() || info.HistoryTail != `["{\"loss\":1,\"_step\":1}"]` {
		t.Errorf("got %+v, %v", info, err)
	}
	again, _ := open(t, dir)
	check(again)
}

// TestStrict: what the protocol does not allow is refused and noted.
func TestStrict(t *testing.T) {
	s, c := open(t, t.TempDir())
	ctx := context.Background()
	if _, err := c.UpsertBucket(ctx, api.UpsertInput{Name: "r1", Project: "p"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.FileStream(ctx, "local", "p", "r1", []byte(`{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"a\":1}"]}}}`)); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"gap":            `{"files":{"wandb-history.jsonl":{"offset":2,"content":["{}"]}}}`,
		"other content":  `{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"a\":2}"]}}}`,
		"unknown field":  `{"filez":{}}`,
		"unknown file":   `{"files":{"x":{"offset":0,"content":[]}}}`,
		"line no object": `{"files":{"wandb-history.jsonl":{"offset":1,"content":["1"]}}}`,
		"two summaries":  `{"files":{"wandb-summary.json":{"offset":0,"content":["{}","{}"]}}}`,
		"lone exit code": `{"exitcode":0}`,
		"no JSON":        `{`,
	} {
		before := len(s.Violations())
		if _, err := c.FileStream(ctx, "local", "p", "r1", []byte(body)); err == nil || len(s.Violations()) != before+1 {
			t.Errorf("%s: got %v, %d violations", name, err, len(s.Violations())-before)
		}
	}
	for name, in := range map[string]api.UpsertInput{
		"project": {Name: "r2", Project: "a/b"}, "run id": {Name: "a:b", Project: "p"}, "tag": {Name: "r1", Project: "p", Tags: []string{strings.Repeat("x", 65)}},
		"config": {Name: "r1", Project: "p", Config: `{"lr":0.1}`},
	} {
		if _, err := c.UpsertBucket(ctx, in); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
