package store

import "testing"

func TestStepOf(t *testing.T) {
	for line, want := range map[string]int64{
		`{"_step":7}`: 7, `{"a":1,"_step": 12 ,"b":2}`: 12, `{"_step" : 3}`: 3, `{}`: -1, `{"a":{"_step":1}}`: -1, `{"a":[{"_step":1}],"_step":2}`: 2,
		`{"a":"\"_step\":5"}`: -1, `{"a":"_step","b":4}`: -1, `{"_step":5.0}`: -1, `{"_step":-1}`: -1, `{"_step":"5"}`: -1, `{"_step":`: -1, `{"a":"\`: -1,
	} {
		if got := StepOf([]byte(line)); got != want {
			t.Errorf("%s: got %d, want %d", line, got, want)
		}
	}
}

func TestWithStep(t *testing.T) {
	for line, want := range map[string]string{
		`{}`: `{"_step":4}`, `{ } `: `{ "_step":4}`, `{"a":1}`: `{"a":1,"_step":4}`, `{"a":{}}  `: `{"a":{},"_step":4}`, "\t{\"a\":1}": `{"a":1,"_step":4}`,
	} {
		if got := string(withStep([]byte(line), 4)); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}
