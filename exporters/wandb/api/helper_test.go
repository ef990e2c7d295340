package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// testKey is a key of the right length that opens nothing.
var testKey = strings.Repeat("0", 40)

// good are answers to operations, by name.
var good = map[string]string{
	"Viewer":       `{"viewer":{"id":"VXNlcg==","entity":"team","username":"me","email":"me@example.com","flags":"{\"code_saving_enabled\":true}","teams":{"edges":[{"node":{"name":"team"}}]}}}`,
	"UpsertBucket": `{"upsertBucket":{"bucket":{"id":"aWQ=","name":"r1","displayName":"calm-sea-1","config":"{}","sweepName":null,"historyLineCount":3,"project":{"id":"cA==","name":"p","entity":{"id":"ZQ==","name":"e"}}},"inserted":true}}`,
}

// wandb answers operations from good, and every file-stream request.
func wandb(w http.ResponseWriter, r *http.Request) {
	if user, password, ok := r.BasicAuth(); !ok || user != "api" || password != testKey {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if strings.HasSuffix(r.URL.Path, "/file_stream") {
		_, _ = io.WriteString(w, `{"stopped":true,"limits":{"heartbeat_seconds":10}}`)
		return
	}
	var doc struct{ OperationName string }
	_ = json.Unmarshal(body, &doc)
	data := good[doc.OperationName]
	if data == "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errors":[{"message":"no such operation"}]}`)
		return
	}
	_, _ = io.WriteString(w, `{"data":`+data+`}`)
}

// A bench is a server before which faults can be put, and a client that repeats
// three times, at once.
type bench struct {
	*faults.Server
	faults *faults.Handler
	*api.Client
}

func newBench(t *testing.T, h http.HandlerFunc, change func(*api.Options)) *bench {
	t.Helper()
	b := &bench{faults: faults.New(h)}
	var err error
	if b.Server, err = faults.Start(b.faults); err != nil {
		t.Fatal(err)
	}
	b.Client = newClient(t, b.URL(), change)
	t.Cleanup(b.Close)
	return b
}

func newClient(t *testing.T, url string, change func(*api.Options)) *api.Client {
	t.Helper()
	o := api.Options{BaseURL: url, Key: api.NewKey(testKey), RetryMax: 3, RetryWaitMin: time.Millisecond, RetryWaitMax: 2 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	c, err := api.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

// mustNotTell fails when an error shows a secret.
func mustNotTell(t *testing.T, err error, secrets ...string) {
	t.Helper()
	for _, s := range append(secrets, testKey, "YXBpOjAwMDAw") {
		if err != nil && strings.Contains(err.Error(), s) {
			t.Errorf("the error tells a secret: %v", strings.ReplaceAll(err.Error(), s, "<SECRET>"))
		}
	}
}
