package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// What is printed is a file that says the same, with every key explained.
func TestYAML(t *testing.T) {
	want := Default()
	want.SampleInterval = Duration(2 * time.Second)
	want.GPU.Library = "/opt/lib.so"
	want.OTLP = []OTLP{
		{Name: "a", Endpoint: "http://127.0.0.1:4318", Interval: Duration(time.Minute)},
		{Name: "b", Rows: true, Headers: map[string]Secret{"key": "canary"}},
	}
	text, err := want.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "canary") {
		t.Errorf("the file holds a secret:\n%s", text)
	}
	got, err := Parse("printed", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want.OTLP[1].Headers["key"] = Secret(want.OTLP[1].Headers["key"].String())
	got.OTLP[0].Headers, want.OTLP[0].Headers = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v from\n%s", got, want, text)
	}
	checkHelp(t, reflect.TypeFor[Config](), string(text))
}

func checkHelp(t *testing.T, typ reflect.Type, text string) {
	t.Helper()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if help := f.Tag.Get("help"); help == "" || !strings.Contains(text, "# "+help) {
			t.Errorf("%s.%s: help %q is not printed", typ.Name(), f.Name, help)
		}
		in := f.Type
		if in.Kind() == reflect.Slice {
			in = in.Elem()
		}
		if in.Kind() == reflect.Struct {
			checkHelp(t, in, text)
		}
	}
}
