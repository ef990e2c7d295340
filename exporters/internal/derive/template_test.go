package derive

import (
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func TestTemplateRender(t *testing.T) {
	d := sample.Desc{Labels: []sample.Label{{Name: "hw.name", Value: "gpu12"}, {Name: "dev", Value: "sda"}}}
	for _, c := range []struct {
		key, want string
		ok        bool
	}{
		{"cpu", "cpu", true},
		{"gpu.{hw.name#}.temp", "gpu.12.temp", true},
		{"{dev}", "sda", true},
		{"a.{dev}{hw.name}", "a.sdagpu12", true},
		{"{dev#}", "", false},
		{"{gone}.x", "", false},
		{"open.{dev", "open.{dev", true},
		{"close}.x", "close}.x", true},
		{"", "", true},
	} {
		tmpl := parseTemplate(c.key)
		got, ok := tmpl.render(&d)
		if got != c.want || ok != c.ok {
			t.Errorf("render %q = %q, %v; want %q, %v", c.key, got, ok, c.want, c.ok)
		}
	}
}

// A key without braces renders as itself, whatever bytes it holds.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"gpu.{hw.name#}.temp", "{", "}{", "{}", "{#}", "a{b}c{d#}e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		tmpl := parseTemplate(key)
		got, ok := tmpl.render(&sample.Desc{})
		if !strings.Contains(key, "{") && (!ok || got != key) {
			t.Errorf("render %q = %q, %v; want the key", key, got, ok)
		}
		if ok && len(got) > len(key) {
			t.Errorf("render %q = %q: longer than the key without labels", key, got)
		}
	})
}
