package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestParse reads everything that a request may have.
func TestParse(t *testing.T) {
	req, err := Parse([]byte(`{"files": {
		"wandb-history.jsonl": {"offset": 3, "content": ["{\"a\":NaN,\"b\":[-Infinity,{}],\"c\":\"\u00e9\\n\"}", "{}"]},
		"wandb-summary.json": {"content": ["{\"x\":1e3}"], "offset": 0},
		"output.log": [{"offset": 7, "content": ["a\tb\n"]}, {"offset": 9, "content": []}]},
		"uploaded": ["x/y.png"], "complete": true, "exitcode": -1, "dropped": 2, "failed": false}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range req.Chunks {
		got = append(got, fmt.Sprintf("%s %d %q", c.File, c.Offset, c.Lines))
	}
	want := []string{
		`wandb-history.jsonl 3 ["{\"a\":NaN,\"b\":[-Infinity,{}],\"c\":\"é\\n\"}" "{}"]`,
		`wandb-summary.json 0 ["{\"x\":1e3}"]`, `output.log 7 ["a\tb\n"]`, `output.log 9 []`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("chunks:\ngot  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	if len(req.Uploaded) != 1 || !req.Complete || req.ExitCode == nil || *req.ExitCode != -1 || req.Dropped != 2 || req.Preempting {
		t.Errorf("got %+v", req)
	}
}

// TestRefused: everything else is an error that says what is wrong.
func TestRefused(t *testing.T) {
	history := func(chunk string) string { return `{"files":{"wandb-history.jsonl":` + chunk + `}}` }
	for body, says := range map[string]string{
		``:                                      "ends too early",
		`[]`:                                    "where '{' belongs",
		`{} x`:                                  "behind the value",
		`{"filez":{}}`:                          `"filez" is not known`,
		`{"exitcode":1}`:                        "exitcode without complete",
		`{"complete":1}`:                        "cannot unmarshal",
		`{"uploaded":[1]}`:                      "cannot unmarshal",
		`{"files":{"x":{}}}`:                    `"x" cannot be streamed`,
		`{"files":{`:                            "ends too early",
		"{\"a\tb\":1}":                          "control character",
		"{\"uploaded\":[\"\xff\"]}":             "not UTF-8",
		history(`{"content":[]}`):               "offset -1",
		history(`{"offset":-2,"content":[]}`):   "offset -2",
		history(`{"offset":0.5,"content":[]}`):  "cannot unmarshal",
		history(`{"offset":0,"content":["1"]}`): "line 0 is not a JSON object",
		history(`{"offset":0,"content":["{}","{"]}`):                     "line 1 is not a JSON object",
		history(`{"offset":0,"content":["{}\n"]}`):                       "line 0 is not a JSON object",
		history(`{"offset":0,"content":["{\"a\":nan}"]}`):                "line 0 is not a JSON object",
		history(`{"offset":0,"content":[{}]}`):                           "where a string belongs",
		history(`{"offset":0,"lines":[]}`):                               `"lines"`,
		history(`[{"offset":0,"content":[]}]`):                           "where '{' belongs",
		`{"files":{"wandb-summary.json":{"offset":1,"content":["{}"]}}}`: "one line at 0",
		`{"files":{"wandb-summary.json":{"offset":0,"content":[]}}}`:     "one line at 0",
		`{"dropped":` + strings.Repeat("[", 200):                         "nest deeper",
	} {
		if req, err := Parse([]byte(body)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: got %+v, %v; want an error with %q", body, req, err, says)
		}
	}
}

// TestLongLine holds the limit to the byte.
func TestLongLine(t *testing.T) {
	for size, ok := range map[int]bool{MaxLine: true, MaxLine + 1: false} {
		line := `{\"a\":` + strings.Repeat("1", size-len(`{"a":}`)) + `}`
		_, err := Parse([]byte(`{"files":{"wandb-events.jsonl":{"offset":0,"content":["` + line + `"]}}}`))
		if (err == nil) != ok {
			t.Errorf("a line of %d bytes: got %v, want ok %v", size, err, ok)
		}
	}
}

// FuzzParse: what is taken is JSON as encoding/json sees it, with the same lines.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"complete":true,"exitcode":0}`, `{"preempting":true,"uploaded":["a"]}`,
		`{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"a\":1}","{\"b\":\"\\u00e9\"}"]},"output.log":{"offset":1,"content":["x"]}}}`,
		`{"files":{"output.log":[{"offset":0,"content":["\ud83d\ude00\b"]}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := Parse(body)
		if err != nil {
			return
		}
		var plain struct {
			Files map[string]json.RawMessage `json:"files"`
		}
		if err := json.Unmarshal(body, &plain); err != nil {
			if bytes.Contains(body, []byte("N")) || bytes.Contains(body, []byte("I")) {
				return // NaN and the infinities, which encoding/json does not know
			}
			t.Fatalf("taken, but it is no JSON: %v", err)
		}
		for _, c := range req.Chunks {
			var got struct {
				Offset  int64
				Content []string
			}
			if json.Unmarshal(plain.Files[c.File], &got) != nil || got.Offset != c.Offset || len(got.Content) != len(c.Lines) {
				continue // a list of chunks, or a name that comes twice
			}
			for i, line := range c.Lines {
				if string(line) != got.Content[i] {
					t.Errorf("line %d of %s: got %q, want %q", i, c.File, line, got.Content[i])
				}
			}
		}
	})
}

func TestIsNumber(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0": true, "10": true, "1.5": true, "-1.5e-7": true, "1E+9": true, "1e5": true,
		"-": false, "01": false, "1.": false, ".5": false, "1e": false, "1e+": false, "+1": false, "0x1": false, "1.5.2": false, "1e5.5": false, "--1": false,
	} {
		if got := isNumber([]byte(text)); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
