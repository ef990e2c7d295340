package xjson

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAppendValue(t *testing.T) {
	f := func(v any, want string) {
		t.Helper()
		got, err := AppendValue([]byte("+"), v)
		if err != nil || string(got) != "+"+want {
			t.Errorf("%#v: got %q, %v, want %q", v, got, err, want)
		}
	}
	f(nil, "null")
	f(true, "true")
	f(1.5, "1.5")
	f(1.0, "1")
	f(math.Copysign(0, -1), "-0")
	f(1e21, "1e+21")
	f(1e20, "100000000000000000000")
	f(1e-7, "1e-07")
	f(0.1, "0.1")
	f(float32(0.1), "0.1")
	f(math.NaN(), "NaN")
	f(math.Inf(1), "Infinity")
	f(math.Inf(-1), "-Infinity")
	f(math.SmallestNonzeroFloat64, "5e-324")
	f(int64(1<<53+1), "9007199254740993")
	f(uint64(math.MaxUint64), "18446744073709551615")
	f("a<b>&\"\\\n\x01\xff", `"a<b>&\"\\\n\u0001`+"\ufffd\"")
	f(map[string]any{"b": 1, "a": []int{1, 2}}, `{"a":[1,2],"b":1}`)
	f(map[int]string{2: "x", 10: "y"}, `{"10":"y","2":"x"}`)
	f([]any{nil, "x", map[string]float64{"k": 0.5}}, `[null,"x",{"k":0.5}]`)
	f([]float64(nil), "null")
	f(struct {
		A int    `json:"a"`
		B string `json:"b,omitempty"`
		C int    `json:"-"`
		d int
		E *int
	}{A: 1, d: 2}, `{"a":1,"E":null}`)
	f(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), `"2026-01-02T03:04:05Z"`)
	f(time.Second, "1000000000")
}

func TestAppendValueNamesWhatHasNoJSON(t *testing.T) {
	f := func(v any, path string) {
		t.Helper()
		got, err := AppendValue([]byte("+"), v)
		var bad *UnsupportedError
		if !errors.As(err, &bad) || bad.Path != path || string(got) != "+" {
			t.Errorf("%T: got %q, %v, want an error about %q", v, got, err, path)
		}
	}
	f(make(chan int), "")
	f(map[string]any{"a": 1, "model": map[string]any{"hooks": []any{1, func() {}}}}, "model.hooks[1]")
	f(map[string]any{"c": complex(1, 2)}, "c")
	f(map[float64]int{1: 2}, "")
	f(map[string]any{"a\xff": 1, "a\xfe": 2}, "")
	deep := any(1)
	for range MaxDepth + 2 {
		deep = []any{deep}
	}
	if _, err := AppendValue(nil, deep); err == nil || !strings.Contains(err.Error(), "deeper") {
		t.Errorf("deep list: got %v", err)
	}
	type loop struct{ Next *loop }
	l := &loop{}
	l.Next = l
	if _, err := AppendValue(nil, l); err == nil {
		t.Errorf("a cycle: want an error")
	}
}

func TestDecode(t *testing.T) {
	f := func(text string, want any) {
		t.Helper()
		got, err := Decode([]byte(text))
		if err != nil || !same(got, want) {
			t.Errorf("%s: got %#v, %v, want %#v", text, got, err, want)
		}
	}
	f("NaN", math.NaN())
	f(" -Infinity ", math.Inf(-1))
	f("9007199254740993", int64(1<<53+1))
	f("-9223372036854775808", int64(math.MinInt64))
	f("9223372036854775808", float64(1<<63))
	f("-0", math.Copysign(0, -1))
	f("1e400", math.Inf(1))
	f("1.0", 1.0)
	f(`{"a":[1,-Infinity,"x"],"b":{}}`, map[string]any{"a": []any{int64(1), math.Inf(-1), "x"}, "b": map[string]any{}})
	f(`"\ud83d\ude00\u00e9\/\ud800x"`, "😀é/\ufffdx")
	f("[]", []any{})
	for _, bad := range []string{
		"", "nan", "inf", "01", "1.", "-", "+1", "1e", `"`, `"\x"`, "[1,]", `{"a"}`, `{"a":1,}`, "{1:2}", "1 2", "tru", "\"\n\"",
		strings.Repeat("[", MaxDepth+2), `"\u12"`, "[,1]", "{,}",
	} {
		if v, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%q: got %#v, want an error", bad, v)
		}
	}
}

// same is DeepEqual where NaN equals NaN and zeros have signs.
func same(a, b any) bool {
	x, ok := a.(float64)
	y, ok2 := b.(float64)
	if ok && ok2 {
		return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			if _, ok := b[k]; !ok || !same(a[k], b[k]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

// What was decoded is written and decoded again: the same value, except that
// a float with an integral value comes back as an integer, once.
func FuzzXJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,NaN,-Infinity],"b":{"c":"\u00e9<>"}}`, "-0", "1e-320", `"\ud800"`, "[[[]]]", "123456789012345678901234567890"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Decode([]byte(s))
		if err != nil {
			return
		}
		text, err := AppendValue(nil, v)
		if err != nil {
			t.Fatalf("%q: decoded %#v cannot be written: %v", s, v, err)
		}
		once, err := Decode(text)
		if err != nil {
			t.Fatalf("%q: own text %q: %v", s, text, err)
		}
		again, err := AppendValue(nil, once)
		if err != nil || string(again) != string(text) {
			t.Fatalf("%q: wrote %q, then %q, %v", s, text, again, err)
		}
		if twice, err := Decode(again); err != nil || !same(once, twice) {
			t.Fatalf("%q: got %#v, want %#v, %v", s, twice, once, err)
		}
	})
}

func FuzzAppend(f *testing.F) {
	f.Add("text\xff\x00", 0.1)
	f.Add("", math.MaxFloat64)
	f.Fuzz(func(t *testing.T, s string, v float64) {
		got, err := Decode(AppendString(nil, s))
		if err != nil || got != strings.ToValidUTF8(s, "") && got != string([]rune(s)) {
			t.Fatalf("string %q: got %q, %v", s, got, err)
		}
		num, err := Decode(AppendFloat(nil, v))
		if i, ok := num.(int64); ok {
			num = float64(i)
		}
		if err != nil || !same(num, v) {
			t.Fatalf("float %v: got %v, %v", v, num, err)
		}
	})
}

func TestAppendDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(1000, func() {
		buf = AppendString(AppendFloat(buf[:0], 0.12345), "text \"quoted\" \xff")
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
