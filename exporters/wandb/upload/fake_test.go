package upload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// fake keeps what an upload sends, and refuses gaps.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	history  []string
	events   []string
	console  []string
	summary  string
	files    map[string]string
	upserts  []map[string]any
	complete bool
	started  bool // the run exists
	config   string
	exit     int
	bad      []string
	requests int
	last     []byte  // body of the newest file-stream request with content
	lose     float64 // share of stored requests whose answer is lost
}

func newFake(t testing.TB) *fake {
	f := &fake{files: map[string]string{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) client(t testing.TB) *api.Client {
	c, err := api.New(api.Options{BaseURL: f.URL, Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil { // the client went away
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case r.URL.Path == "/graphql":
		f.graphql(w, body)
	case r.Method == http.MethodPut:
		f.files[r.URL.Path[len("/put/"):]] = string(body)
	default:
		f.stream(w, body)
	}
}

func (f *fake) graphql(w http.ResponseWriter, body []byte) {
	var q struct {
		OperationName string
		Variables     map[string]any
	}
	json.Unmarshal(body, &q)
	switch q.OperationName {
	case "UpsertBucket":
		f.upserts = append(f.upserts, q.Variables)
		f.config, _ = q.Variables["config"].(string)
		fmt.Fprintf(w, `{"data":{"upsertBucket":{"bucket":{"id":"x","name":%q,"displayName":"d","historyLineCount":%d,"project":{"name":%q,"entity":{"name":"local"}}},"inserted":%v}}}`,
			q.Variables["name"], len(f.history), q.Variables["project"], !f.started)
		f.started = true
	case "RunResumeStatus":
		if !f.started {
			fmt.Fprint(w, `{"data":{"model":{"name":"p","entity":{"name":"local"},"bucket":null}}}`)
			return
		}
		tail, _ := json.Marshal(f.history[max(0, len(f.history)-1):])
		events, _ := json.Marshal(f.events[max(0, len(f.events)-1):])
		fmt.Fprintf(w, `{"data":{"model":{"name":"p","entity":{"name":"local"},"bucket":{"id":"x","name":%q,"summaryMetrics":%q,"config":%q,"historyTail":%q,"eventsTail":%q,"historyLineCount":%d,"eventsLineCount":%d,"logLineCount":%d,"tags":[],"wandbConfig":"{\"t\":{}}"}}}}`,
			q.Variables["name"], f.summary, f.config, tail, events, len(f.history), len(f.events), len(f.console))
	case "ServerFeaturesQuery":
		fmt.Fprint(w, `{"data":{"serverInfo":{"features":[]}}}`)
	case "CreateRunFiles":
		var files []string
		for _, n := range q.Variables["files"].([]any) {
			files = append(files, fmt.Sprintf(`{"name":%q,"uploadUrl":"%s/put/%s"}`, n, f.URL, n))
		}
		out, _ := json.Marshal(files)
		_ = out
		text := ""
		for i, x := range files {
			if i > 0 {
				text += ","
			}
			text += x
		}
		fmt.Fprintf(w, `{"data":{"createRunFiles":{"runID":"x","uploadHeaders":[],"files":[%s]}}}`, text)
	default:
		fmt.Fprint(w, `{"errors":[{"message":"what is `+q.OperationName+`"}]}`)
	}
}

func (f *fake) stream(w http.ResponseWriter, body []byte) {
	f.requests++
	if len(body) > 2 {
		f.last = body
	}
	var q struct {
		Files map[string]struct {
			Offset  int
			Content []string
		}
		Complete bool
		Exitcode int
	}
	if err := json.Unmarshal(body, &q); err != nil {
		f.bad = append(f.bad, err.Error())
	}
	put := func(list *[]string, name string, rewrite bool) {
		c := q.Files[name]
		if c.Offset > len(*list) {
			f.bad = append(f.bad, fmt.Sprintf("gap in %s: %d > %d", name, c.Offset, len(*list)))
			return
		}
		for i, line := range c.Content {
			if at := c.Offset + i; at < len(*list) {
				if !rewrite && (*list)[at] != line {
					f.bad = append(f.bad, "line changed "+line)
				}
				(*list)[at] = line
			} else {
				*list = append(*list, line)
			}
		}
	}
	put(&f.history, "wandb-history.jsonl", false)
	put(&f.events, "wandb-events.jsonl", false)
	put(&f.console, "output.log", true)
	if s := q.Files["wandb-summary.json"].Content; len(s) > 0 {
		f.summary = s[0]
	}
	if q.Complete {
		f.complete, f.exit = true, q.Exitcode
	}
	if rand.Float64() < f.lose {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprint(w, "{}")
}

var testKey = api.NewKey("0000000000000000000000000000000000000000")

// holds says whether a request has text in its body, which it leaves in place.
func (f *fake) holds(r *http.Request, text string) bool {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return bytes.Contains(body, []byte(text))
}
