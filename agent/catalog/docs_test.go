package catalog

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/prom"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

const docsFile = "../../docs/metrics.md"

const docsHead = `# Metrics

Generated from agent/catalog: change the rows there, then run ` + "`make docs`" + `.

Names and units are what OTLP receivers get. Names follow the OpenTelemetry semantic conventions v1.44.0 where these have one
(*st* ` + "`rc`" + ` release candidate, ` + "`dev`" + ` development); ` + "`ours`" + ` marks names that no convention has. Kinds: counters only grow, until they start
again with a new start time; updown sums may fall; gauges are readings of the moment. A value that could not be measured is absent, never zero.

At a scrape, dots of label names become underscores, and series of a run have the label ` + "`run_id`" + `. Keys of W&B stand under ` + "`system.`" + ` in a run;
*rate* is the growth per second since the sample before, *since start* the growth since the first sample, and *Σ* sums all series
that agree in the labels of the key. Of several rows with one key the first that has a value wins, in the order of the number in brackets.

What programs log travels under the name ` + "`wandb.history`" + ` with the label ` + "`key`" + `, at a scrape as ` + "`wandb_history{key=\"loss\",run_id=\"…\"}`" + `.
`

// TestDocs fails when docs/metrics.md is not what the catalogue says.
func TestDocs(t *testing.T) {
	want := renderDocs()
	if *update {
		if err := os.WriteFile(docsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/metrics.md is stale at line %d: run make docs", firstDifference(string(got), want))
	}
}

func firstDifference(a, b string) int {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range as {
		if i >= len(bs) || as[i] != bs[i] {
			return i + 1
		}
	}
	return len(as) + 1
}

func renderDocs() string {
	var b strings.Builder
	b.WriteString(docsHead)
	for _, s := range []struct {
		title string
		rows  []Metric
	}{
		{"Host", hostMetrics},
		{"The followed program and its process tree", processMetrics},
		{"The container or cgroup of the followed program", cgroupMetrics},
		{"GPUs", gpuMetrics},
		{"The agent itself", agentMetrics},
	} {
		if len(s.rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| name, labels | unit, kind, st | meaning | read from | Prometheus | W&B key |\n|---|---|---|---|---|---|\n", s.title)
		for i := range s.rows {
			b.WriteString(renderRow(&s.rows[i]))
		}
	}
	return b.String()
}

func renderRow(m *Metric) string {
	name := code(m.Name)
	if len(m.Labels) > 0 {
		name += "<br>" + strings.Join(m.Labels, ", ")
	}
	stability := map[Stability]string{Ours: "ours", Development: "dev", ReleaseCandidate: "rc"}[m.Status]
	var keys []string
	for i := range m.Views {
		if v := &m.Views[i]; v.In == WandB {
			keys = append(keys, code(v.Key)+formula(v))
			if v.Peak {
				keys = append(keys, code("agent.max."+v.Key))
			}
		}
	}
	cells := []string{name, code(m.Unit) + " " + m.Kind.String() + " " + stability, m.Help, m.Source,
		code(prom.MetricName(m.Name, m.Unit, m.Kind)), strings.Join(keys, "<br>")}
	for i := range cells {
		cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// formula says how a view is computed, in the words of docsHead; "" when it is
// the value itself.
func formula(v *View) string {
	op := map[Op]string{Value: "Σ", Since: "Σ since start", Rate: "Σ rate"}[v.Op]
	text := op + conditions(v.Where)
	if v.Minus.Metric != "" {
		text = "(" + text + " − " + operandText(v.Minus) + ")"
	}
	if v.Scale != 0 && v.Scale != 1 {
		text = scaleText(v.Scale) + text
	}
	if v.Over.Metric != "" {
		text += " / " + operandText(v.Over)
	}
	if v.Floor {
		text += ", not below 0"
	}
	if v.Rank != 0 {
		text += fmt.Sprintf(" [%d]", v.Rank)
	}
	if text == "Σ" {
		return ""
	}
	return " = " + text
}

// scaleText writes factors of bytes as divisions, as people know them.
func scaleText(scale float64) string {
	if n := 1 / scale; n > 1 && n == float64(int64(n)) {
		for power := range 5 {
			if n == float64(int64(1)<<(10*power)) {
				return fmt.Sprintf("2^−%d × ", 10*power)
			}
		}
		return "1/" + strconv.FormatInt(int64(n), 10) + " × "
	}
	return strconv.FormatFloat(scale, 'g', -1, 64) + " × "
}

func operandText(o Operand) string { return code(o.Metric) + conditions(o.Where) }

func conditions(where map[string]string) string {
	var parts []string
	for _, l := range slices.Sorted(maps.Keys(where)) {
		if v := where[l]; v == "" {
			parts = append(parts, "no "+l)
		} else {
			parts = append(parts, l+"="+v)
		}
	}
	if parts == nil {
		return ""
	}
	return " of " + strings.Join(parts, ", ")
}

func code(s string) string { return "`" + s + "`" }

func TestFormula(t *testing.T) {
	for _, c := range []struct {
		v    View
		want string
	}{
		{View{}, ""},
		{View{Scale: 1.0 / (1 << 20)}, " = 2^−20 × Σ"},
		{View{Op: Rate, Scale: 100, Over: Operand{Metric: "m", Where: map[string]string{"a": "b", "c": ""}}}, " = 100 × Σ rate / `m` of a=b, no c"},
		{View{Minus: Operand{Metric: "m"}, Floor: true, Rank: 2, Scale: 0.001}, " = 1/1000 × (Σ − `m`), not below 0 [2]"},
	} {
		if got := formula(&c.v); got != c.want {
			t.Errorf("formula of %+v = %q, want %q", c.v, got, c.want)
		}
	}
}
