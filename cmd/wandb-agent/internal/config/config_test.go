package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestDefaultsAreValid(t *testing.T) {
	c := Default()
	if ps := c.validate(); len(ps) > 0 {
		t.Errorf("defaults: %v", ps)
	}
	for _, in := range []string{"", "# nothing\n", "{}"} {
		if _, err := Parse("f", []byte(in)); err != nil {
			t.Errorf("Parse(%q): %v", in, err)
		}
	}
}

func TestParse(t *testing.T) {
	c, err := Parse("f", []byte("sample_interval: 500ms\nhost:\n  disk_paths: [/, /data]\notlp:\n  - endpoint: http://127.0.0.1:4318\n    headers: {api-key: abc}\n    interval: 5s\n"))
	if err != nil {
		t.Fatal(err)
	}
	if time.Duration(c.SampleInterval) != 500*time.Millisecond || len(c.Host.DiskPaths) != 2 || c.OTLP[0].Headers["api-key"] != "abc" || c.OTLP[0].Name != "otlp/0" {
		t.Errorf("got %+v", c)
	}
	if c.Host.Proc != "/proc" {
		t.Errorf("a key that is not given lost its default: proc %q", c.Host.Proc)
	}
}

func TestErrorsNameFileLineAndKey(t *testing.T) {
	bad := func(in string, want ...string) {
		t.Helper()
		_, err := Parse("agent.yaml", []byte(in))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("Parse(%q): got %v, want *Error", in, err)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("Parse(%q): got %q, want %q in it", in, err, w)
			}
		}
	}
	bad("sample_interval: 1s\nsampel: 2\n", "agent.yaml:2: sampel: unknown key")
	bad("web:\n  port: 1\n  listen: x\n", "agent.yaml:2: web.port", "agent.yaml:3: web.listen")
	bad("sample_interval: soon\n", "agent.yaml:1: sample_interval", "is not a duration")
	bad("sample_interval: 1ms\n", "agent.yaml:1: sample_interval", "100ms")
	bad("log:\n  level: loud\n", "agent.yaml:2: log.level", "debug")
	bad("otlp: 3\n", "agent.yaml:1: otlp: expected a list")
	bad("- a\n", "expected a mapping")
	bad("web: [\n", "agent.yaml")
	bad("otlp:\n- {name: a}\n- {name: a}\n", "otlp[1].name")
	bad("log: {level: info, level: warn}\n", "agent.yaml")
	bad("gpu:\n  disabled: perhaps\n", "agent.yaml:2: gpu.disabled")
	bad("a: &a [x]\nb: [*a, *a]\n", "unknown key")
	bad("host:\n  disk_paths: [data]\n", "agent.yaml:2: host.disk_paths[0]")
	bad(strings.Repeat("#", maxFile+1), "1 MiB")
}

func TestSecretsPrintAsDots(t *testing.T) {
	c, err := Parse("f", []byte("otlp:\n- headers: {authorization: canary-secret}\n"))
	if err != nil {
		t.Fatal(err)
	}
	y, _ := yaml.Marshal(c)
	j, _ := json.Marshal(c)
	for _, out := range []string{string(y), string(j), fmt.Sprintf("%v %+v %#v %s", c, c, c, c.OTLP[0].Headers["authorization"])} {
		if strings.Contains(out, "canary") {
			t.Errorf("secret shown in %q", out)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("sample_interval: 1s\notlp:\n- endpoint: http://h:1\n"))
	f.Add([]byte("a: &a [x]\nb: [*a]"))
	f.Add([]byte("web: {listen_address: ':1'}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse("f", b)
		if err != nil {
			return
		}
		y, err := yaml.Marshal(c)
		if err != nil {
			t.Fatalf("a valid configuration does not print: %v", err)
		}
		if _, err := Parse("g", y); err != nil {
			t.Fatalf("what was printed is refused: %v\n%s", err, y)
		}
	})
}
