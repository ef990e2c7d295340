// Package report writes a run for people: what it was configured with, where
// its metrics ended and how they got there, what the hardware did, and where
// the run lies. wandb-agent show prints it, and so can any program:
//
//	dir, _ := runlog.OpenDir(run.Dir())
//	r, _ := runlog.Load(dir)
//	report.Write(os.Stdout, r, report.Options{Color: true})
//
// Text that programs logged is printed with control characters replaced, so a
// run from elsewhere cannot drive the terminal.
package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// Options of Write. The zero value is plain text in 80 columns.
type Options struct {
	Color bool // ECMA-48 colours
	Width int  // columns; 0 means 80
}

// Limits of a section; what is beyond is counted, not shown.
const (
	maxConfig  = 20
	maxMetrics = 24
	minWidth   = 40
)

// Write writes the report. The error is w's.
func Write(w io.Writer, run *runlog.Run, o Options) error {
	if o.Width < minWidth {
		o.Width = 80
	}
	p := &printer{style: style{o.Color}, width: o.Width}
	p.head(run)
	p.config(run.Config)
	p.metrics(run)
	p.hardware(run)
	p.damage(run)
	_, err := w.Write(p.out.Bytes())
	return err
}

type printer struct {
	style
	width int
	out   bytes.Buffer
}

func (p *printer) title(text string) { fmt.Fprintf(&p.out, "\n%s\n", p.paint(bold, text)) }

// line writes one aligned pair. Its name column is a third of the width.
func (p *printer) line(name, value string) {
	col := p.width / 3
	fmt.Fprintf(&p.out, "  %s  %s\n", p.paint(blue, pad(cut(clean(name), col), col)), value)
}

func pad(s string, n int) string {
	if k := len([]rune(s)); k < n {
		s += strings.Repeat(" ", n-k)
	}
	return s
}

func (p *printer) head(run *runlog.Run) {
	name := run.Name
	if name == "" {
		name = run.ID
	}
	fmt.Fprintf(&p.out, "%s  %s  %s\n", p.paint(bold, cut(clean(name), p.width/2)), p.state(run), p.paint(dim, duration(run)))
	project := clean(strings.TrimPrefix(run.Entity+"/"+run.Project, "/"))
	fmt.Fprintf(&p.out, "%s\n", p.paint(dim, fmt.Sprintf("run %s of project %s, started %s, %d rows", clean(run.ID), project,
		run.Start.Local().Format(time.DateTime), len(run.History))))
	if len(run.Tags) > 0 {
		fmt.Fprintf(&p.out, "%s\n", p.paint(dim, "tags "+cut(clean(strings.Join(run.Tags, ", ")), p.width-5)))
	}
}

// state says how the run ended, as far as anybody knows.
func (p *printer) state(run *runlog.Run) string {
	switch {
	case run.Exit == nil:
		return p.paint(yellow, "running or crashed (no exit record)")
	case !run.Exit.Known:
		return p.paint(yellow, "ended, exit status unknown")
	case run.Exit.Signal != 0:
		return p.paint(red, fmt.Sprintf("killed by signal %d", run.Exit.Signal))
	case run.Exit.Code != 0:
		return p.paint(red, fmt.Sprintf("exit status %d", run.Exit.Code))
	}
	return p.paint(green, "finished")
}

func duration(run *runlog.Run) string {
	d := time.Duration(0)
	if n := len(run.History); n > 0 {
		d = time.Duration(run.History[n-1].Runtime * float64(time.Second))
	}
	if run.Exit != nil {
		d = max(d, run.Exit.Runtime)
	}
	return d.Round(100 * time.Millisecond).String()
}

func (p *printer) config(config map[string]any) {
	flat := flatten(config)
	if len(flat) == 0 {
		return
	}
	p.title("Config")
	for i, kv := range flat {
		if i == maxConfig {
			p.more(len(flat) - i)
			return
		}
		p.line(kv.key, cut(clean(text(kv.value)), p.width-p.width/3-4))
	}
}

func (p *printer) more(n int) {
	fmt.Fprintf(&p.out, "  %s\n", p.paint(dim, fmt.Sprintf("+%d more", n)))
}

// metrics shows each logged key with its course, and its value in the summary.
func (p *printer) metrics(run *runlog.Run) {
	series := historySeries(run.History)
	var shown []pair
	for _, kv := range flatten(run.Summary) {
		if !strings.HasPrefix(kv.key, "_") {
			shown = append(shown, kv)
		}
	}
	if len(shown) == 0 {
		return
	}
	p.title("Metrics")
	room := p.width - p.width/3 - 4 - 14
	for i, kv := range shown {
		if i == maxMetrics {
			p.more(len(shown) - i)
			return
		}
		course := series[kv.key]
		if course == nil { // an aggregate is shown as metric.min
			course = series[kv.key[:max(0, strings.LastIndexByte(kv.key, '.'))]]
		}
		p.line(kv.key, pad(cut(clean(text(kv.value)), 12), 13)+" "+p.paint(green, sparkline(course, room)))
	}
}

// hardware shows mean and peak of what the system records hold.
func (p *printer) hardware(run *runlog.Run) {
	rows := hardwareRows(run.Stats)
	if len(rows) == 0 {
		return
	}
	p.title(fmt.Sprintf("Hardware (%d samples)%s", len(run.Stats), gpuNames(run)))
	room := p.width - p.width/3 - 4 - 28
	for _, r := range rows {
		figures := fmt.Sprintf("mean %-9s peak %-9s", number(r.stat.mean()), number(r.stat.peak))
		p.line(r.label, pad(figures, 27)+" "+p.paint(yellow, sparkline(r.vals, room)))
	}
}

// gpuNames says which GPUs the machine had, "" for none.
func gpuNames(run *runlog.Run) string {
	gpus := run.Environment.GetGpuNvidia()
	if len(gpus) == 0 {
		return ""
	}
	return fmt.Sprintf(", %d x %s", len(gpus), cut(clean(gpus[0].GetName()), 40))
}

// damage says what could not be read, which is never hidden.
func (p *printer) damage(run *runlog.Run) {
	if run.Damage.Any() {
		fmt.Fprintf(&p.out, "\n%s %+v\n", p.paint(red, "The log is damaged:"), run.Damage)
	}
}

// historySeries turns rows into a course per flattened key.
func historySeries(rows []runlog.HistoryRow) map[string][]float64 {
	series := map[string][]float64{}
	for i := range rows {
		for _, kv := range flatten(rows[i].Values) {
			if v, ok := asNumber(kv.value); ok {
				series[kv.key] = append(series[kv.key], v)
			}
		}
	}
	return series
}

type pair struct {
	key   string
	value any
}

// flatten lists the leaves of a tree with dotted keys, sorted.
func flatten(tree map[string]any) []pair {
	var out []pair
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for k, v := range m {
			if sub, ok := v.(map[string]any); ok && len(sub) > 0 {
				walk(prefix+k+".", sub)
				continue
			}
			out = append(out, pair{prefix + k, v})
		}
	}
	walk("", tree)
	slices.SortFunc(out, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	return out
}
