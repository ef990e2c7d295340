package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/prom"
)

var (
	validName  = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)
	validLabel = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$`)
	validUnit  = regexp.MustCompile(`^(1|%|s|By|Hz|W|J|Cel|V|rpm|bit|\{[a-z_]+\})(/s)?$`)
)

func TestRows(t *testing.T) {
	seen := make(map[string]bool)
	for _, m := range All() {
		for problem, bad := range map[string]bool{
			"name stands twice":             seen[m.Name],
			"name is not dotted lower case": !validName.MatchString(m.Name),
			"unit is not known":             !validUnit.MatchString(m.Unit),
			"kind is not known":             m.Kind.String() == "unknown",
			"help is no sentence":           len(m.Help) < 5 || !strings.HasSuffix(m.Help, "."),
			"source is empty":               m.Source == "",
			"label is not lower case":       slices.ContainsFunc(m.Labels, func(l string) bool { return !validLabel.MatchString(l) }),
			"label stands twice":            len(slices.Compact(slices.Sorted(slices.Values(m.Labels)))) != len(m.Labels),
			"name is that of rows":          m.Name == sample.RowName,
		} {
			if bad {
				t.Errorf("%s: %s (unit %q, labels %q, help %q)", m.Name, problem, m.Unit, m.Labels, m.Help)
			}
		}
		seen[m.Name] = true
	}
}

// A scrape shows one of two metrics that get one Prometheus name.
func TestPrometheusNamesDiffer(t *testing.T) {
	taken := make(map[string]string)
	for _, m := range All() {
		name := prom.MetricName(m.Name, m.Unit, m.Kind)
		if other, ok := taken[name]; ok {
			t.Errorf("%s and %s are both %s", m.Name, other, name)
		}
		taken[name] = m.Name
	}
}

func TestViews(t *testing.T) {
	type place struct {
		in   Vocabulary
		key  string
		rank int
	}
	taken := make(map[place]string)
	for _, m := range All() {
		for _, v := range m.Views {
			if problem := viewProblem(m, &v); problem != "" {
				t.Errorf("%s: view %q: %s", m.Name, v.Key, problem)
			}
			p := place{v.In, v.Key, v.Rank}
			if other, ok := taken[p]; ok {
				t.Errorf("%s: view %q of rank %d stands at %s too", m.Name, v.Key, v.Rank, other)
			}
			taken[p] = m.Name
		}
	}
}

// viewProblem says what is wrong with a view, or "".
func viewProblem(m *Metric, v *View) string {
	if v.In < WandB || v.In > DCGM {
		return "is in no vocabulary"
	}
	if v.Key == "" || strings.HasPrefix(v.Key, "system.") {
		return "key is empty or has the prefix system."
	}
	labels, ok := keyLabels(v.Key)
	if !ok {
		return "braces of the key do not match"
	}
	for _, l := range labels {
		if !slices.Contains(m.Labels, l) {
			return fmt.Sprintf("the metric has no label %q", l)
		}
	}
	for _, o := range []Operand{{m.Name, v.Where}, v.Minus, v.Over} {
		if problem := operandProblem(o); problem != "" {
			return problem
		}
	}
	if v.Op > Rate {
		return "op is not known"
	}
	return ""
}

// operandProblem says what is wrong with an operand; the zero Operand is fine.
func operandProblem(o Operand) string {
	m, ok := Lookup(o.Metric)
	if o.Metric == "" && o.Where == nil {
		return ""
	}
	if !ok {
		return fmt.Sprintf("no metric %q", o.Metric)
	}
	for l := range o.Where {
		if !slices.Contains(m.Labels, l) {
			return fmt.Sprintf("metric %q has no label %q", o.Metric, l)
		}
	}
	return ""
}

// keyLabels returns the labels that a key names; false for a brace without its
// other.
func keyLabels(key string) (labels []string, ok bool) {
	for {
		before, rest, found := strings.Cut(key, "{")
		if strings.Contains(before, "}") {
			return nil, false
		}
		if !found {
			return labels, true
		}
		label, rest, closed := strings.Cut(rest, "}")
		if !closed || strings.Contains(label, "{") {
			return nil, false
		}
		labels = append(labels, strings.TrimSuffix(label, "#"))
		key = rest
	}
}

func TestKeyLabels(t *testing.T) {
	for key, want := range map[string]string{
		"cpu": "[] true", "gpu.{hw.name#}.temp": "[hw.name] true", "{a}{b}": "[a b] true", "{a": "[] false", "a}": "[] false", "{a{b}}": "[] false",
	} {
		labels, ok := keyLabels(key)
		if got := fmt.Sprint(labels, ok); got != want {
			t.Errorf("keyLabels(%q) = %s, want %s", key, got, want)
		}
	}
}

func TestViewProblems(t *testing.T) {
	m := &Metric{Name: "none", Labels: []string{"a"}}
	for _, v := range []View{
		{Key: "x"}, {In: WandB}, {In: WandB, Key: "system.x"}, {In: WandB, Key: "{b}"}, {In: WandB, Key: "{a"},
		{In: WandB, Key: "x", Over: Operand{Metric: "no.such"}},
	} {
		if viewProblem(m, &v) == "" {
			t.Errorf("view %+v passes, want a problem", v)
		}
	}
}

func TestDesc(t *testing.T) {
	for _, m := range All() {
		values := make([]string, len(m.Labels))
		for i := range values {
			values[i] = fmt.Sprint("v", i)
		}
		d, err := Desc(m.Name, values...)
		if err != nil || d.Name != m.Name || d.Unit != m.Unit || d.Kind != m.Kind || len(d.Labels) != len(m.Labels) {
			t.Errorf("Desc(%q) = %+v, %v", m.Name, d, err)
		}
		if _, err := Desc(m.Name, append(values, "one too many")...); err == nil {
			t.Errorf("Desc(%q) takes a label too many", m.Name)
		}
	}
	if _, err := Desc("no.such.metric"); err == nil {
		t.Error("Desc of an unknown name: no error")
	}
	if _, err := Add(sample.NewSchema(0), "no.such.metric"); err == nil {
		t.Error("Add of an unknown name: no error")
	}
}
