package faults_test

import (
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

var errGzip = gzip.ErrHeader

func TestParse(t *testing.T) {
	rules, err := faults.Parse([]byte(`[{"operation":"Viewer","nth":2,"action":{"kind":"answer","status":503,"delay":"1.5s"}},{"path":"/file_stream","action":{"kind":"hang"}}]`))
	if err != nil || len(rules) != 2 || rules[0].Nth != 2 || rules[0].Action.Delay != faults.Duration(1500*time.Millisecond) || rules[1].Action.Kind != faults.Hang {
		t.Errorf("got %+v, %v", rules, err)
	}
	f := func(text, want string) {
		t.Helper()
		if _, err := faults.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	f(`[{"action":{"kind":"explode"}}]`, `rule 1: unknown kind "explode"`)
	f(`[{"action":{"kind":"answer"}}]`, "status 0")
	f(`[{"nth":-1,"action":{"kind":"hang"}}]`, "negative")
	f(`{`, "parse faults")
}

// FuzzParse: whatever is accepted can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add(`[{"method":"PUT","times":3,"action":{"kind":"reset","bytes":10}}]`)
	f.Add(`[{"action":{"kind":"answer","status":429,"header":{"Retry-After":"1"}}}]`)
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := faults.Parse([]byte(text))
		if err != nil {
			return
		}
		again, err := json.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := faults.Parse(again); err != nil {
			t.Errorf("%s: %v", again, err)
		}
	})
}
