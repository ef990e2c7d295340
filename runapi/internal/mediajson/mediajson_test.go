package mediajson

import (
	"math"
	"testing"
)

// TestLikeTheOfficialClient: the wanted texts are those of pydantic_core.to_json
// and of json.dump(sort_keys=True).
func TestLikeTheOfficialClient(t *testing.T) {
	f := func(v any, compact, spaced string) {
		t.Helper()
		if got, err := Append(nil, v); string(got) != compact || err != nil {
			t.Errorf("%v: got %s, %v, want %s", v, got, err, compact)
		}
		if got, err := AppendSpaced(nil, v); string(got) != spaced || err != nil {
			t.Errorf("%v, spaced: got %s, %v, want %s", v, got, err, spaced)
		}
	}
	f(nil, `null`, `null`)
	f(1.0, `1.0`, `1.0`)
	f(-0.5, `-0.5`, `-0.5`)
	f(1e16, `1e+16`, `1e+16`)
	f(0.0001, `0.0001`, `0.0001`)
	f(0.00001, `1e-05`, `1e-05`)
	f(math.Copysign(0, -1), `-0.0`, `-0.0`)
	f(math.NaN(), `NaN`, `NaN`)
	f(math.Inf(-1), `-Infinity`, `-Infinity`)
	f([]any{1, true, "x", Raw(`{"a":1}`)}, `[1,true,"x",{"a":1}]`, `[1, true, "x", {"a":1}]`)
	f(map[string]any{"b": []float64{1, 2.5}, "a": []string{"x"}}, `{"a":["x"],"b":[1.0,2.5]}`, `{"a": ["x"], "b": [1.0, 2.5]}`)
	f("é\n\"\\\x01\x7f𝄞", "\"é\\n\\\"\\\\\\u0001\x7f𝄞\"", "\"\\u00e9\\n\\\"\\\\\\u0001\x7f\\ud834\\udd1e\"")
	f("\xff", "\"\ufffd\"", `"\ufffd"`)
	f(struct{ A uint8 }{3}, `{"A":3}`, `{"A": 3}`)
}

func TestRefuses(t *testing.T) {
	for _, v := range []any{func() {}, []any{make(chan int)}, map[string]any{"a": func() {}}} {
		if got, err := Append(nil, v); err == nil {
			t.Errorf("%T: got %s, want an error", v, got)
		}
	}
}
