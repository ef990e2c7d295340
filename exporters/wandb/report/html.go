package report

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// Bounds of a page: it is to be looked at, not to hold the run.
const (
	maxCharts  = 200
	chartWidth = 320 // and as many points at most
	chartTall  = 90
	maxConsole = 400 // lines, the last ones
)

// pageStyle is all the style of a page. It has no script and loads nothing.
const pageStyle = `:root{color-scheme:light dark}body{font:14px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{margin:0}h2{margin:1.6rem 0 .4rem;font-size:1.1rem}.dim{opacity:.65}.ok{color:#2a9d5c}.bad{color:#d1495b}.odd{color:#c98a1b}
table{border-collapse:collapse}td{padding:.1rem 1rem .1rem 0;vertical-align:top;font-family:ui-monospace,monospace;font-size:12px;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1rem}figure{margin:0}figcaption{font-size:12px;overflow-wrap:anywhere}
svg{width:100%;height:6rem;border-bottom:1px solid #8886}polyline{fill:none;stroke:#2f7ed8;stroke-width:1.5;vector-effect:non-scaling-stroke}
pre{font-size:12px;max-height:24rem;overflow:auto;white-space:pre-wrap;border:1px solid #8886;padding:.5rem}`

// WriteHTML writes a page about the run that needs nothing beside itself: no
// server, no script, no file. It shows how the run ended, what it is called,
// config and summary whole, a chart for each metric and for the hardware, alerts
// and the end of the console. Everything that the run says is text in it, never
// markup. The error is w's.
func WriteHTML(w io.Writer, run *runlog.Run) error {
	p := &page{}
	p.head(run)
	p.table("Config", flatten(run.Config))
	p.table("Summary", flatten(run.Summary))
	p.metrics(run.History)
	p.hardware(run)
	p.alerts(run)
	p.console(run.Console)
	p.raw("</body>\n</html>\n")
	_, err := w.Write(p.out.Bytes())
	return err
}

// page puts a page together.
type page struct{ out bytes.Buffer }

func (p *page) raw(markup string) { p.out.WriteString(markup) }

// rawf writes markup; its arguments become text.
func (p *page) rawf(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = escape(s)
		}
	}
	fmt.Fprintf(&p.out, format, args...)
}

// escape makes text of what a run says: control characters, which HTML cannot
// hold, become U+FFFD.
func escape(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0xfffe || r == 0xffff {
			return '\uFFFD'
		}
		return r
	}, s))
}

func (p *page) head(run *runlog.Run) {
	name := run.Name
	if name == "" {
		name = run.ID
	}
	p.rawf("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title>\n", name)
	p.raw("<style>" + pageStyle + "</style>\n</head>\n<body>\n")
	class, state := pageState(run)
	p.rawf("<h1>%s</h1>\n<p><span class=\"%s\">%s</span> <span class=\"dim\">after %s, %d rows</span></p>\n", name, class, state, duration(run), len(run.History))
	facts := []pair{{"run", run.ID}, {"project", strings.TrimPrefix(run.Entity+"/"+run.Project, "/")}, {"group", run.Group}, {"job type", run.JobType},
		{"tags", strings.Join(run.Tags, ", ")}, {"sweep", run.SweepID}, {"host", run.Host}}
	if !run.Start.IsZero() {
		facts = append(facts, pair{"started", run.Start.UTC().Format(time.RFC3339)})
	}
	p.raw("<table>\n")
	for _, f := range facts {
		if f.value != "" {
			p.rawf("<tr><td class=\"dim\">%s</td><td>%s</td></tr>\n", f.key, f.value)
		}
	}
	p.raw("</table>\n")
	if run.Notes != "" {
		p.rawf("<h2>Notes</h2>\n<pre>%s</pre>\n", run.Notes)
	}
}

// pageState says how the run ended, and in which colour.
func pageState(run *runlog.Run) (class, state string) {
	switch {
	case run.Exit == nil || !run.Exit.Known:
		class = "odd"
	case run.Exit.Code != 0 || run.Exit.Signal != 0:
		class = "bad"
	default:
		class = "ok"
	}
	return class, (&printer{}).state(run)
}

func (p *page) table(title string, rows []pair) {
	if len(rows) == 0 {
		return
	}
	p.rawf("<h2>%s</h2>\n<table>\n", title)
	for _, r := range rows {
		p.rawf("<tr><td>%s</td><td>%s</td></tr>\n", r.key, text(r.value))
	}
	p.raw("</table>\n")
}

// metrics draws each logged number, in the order of the keys.
func (p *page) metrics(rows []runlog.HistoryRow) {
	series := historySeries(rows)
	tree := make(map[string]any, len(series))
	for key := range series {
		tree[key] = nil
	}
	p.charts("Metrics", len(series), func(draw func(string, []float64)) {
		for _, kv := range flatten(tree) {
			draw(kv.key, series[kv.key])
		}
	})
}

func (p *page) hardware(run *runlog.Run) {
	rows := hardwareRows(run.Stats)
	p.charts("Hardware"+gpuNames(run), len(rows), func(draw func(string, []float64)) {
		for _, r := range rows {
			draw(r.label, r.vals)
		}
	})
}

// charts writes a section of n charts, which each draws.
func (p *page) charts(title string, n int, each func(draw func(name string, vals []float64))) {
	if n == 0 {
		return
	}
	p.rawf("<h2>%s</h2>\n<div class=\"charts\">\n", title)
	drawn := 0
	each(func(name string, vals []float64) {
		if drawn++; drawn <= maxCharts {
			p.chart(name, vals)
		}
	})
	p.raw("</div>\n")
	if drawn > maxCharts {
		p.rawf("<p class=\"dim\">+%d more</p>\n", drawn-maxCharts)
	}
}

// chart draws means over equal stretches. A stretch without a finite value leaves
// a gap.
func (p *page) chart(name string, vals []float64) {
	means, all := buckets(vals, min(chartWidth, len(vals))), finite(vals)
	if all.n == 0 {
		p.rawf("<figure><figcaption>%s <span class=\"dim\">never finite</span></figcaption></figure>\n", name)
		return
	}
	line := finite(means)
	p.rawf("<figure><figcaption>%s <span class=\"dim\">last %s, %s to %s</span></figcaption>\n", name, number(vals[len(vals)-1]), number(all.min), number(all.peak))
	p.rawf("<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">", chartWidth, chartTall)
	open := false
	for i, v := range means {
		if math.IsNaN(v) {
			p.endLine(&open)
			continue
		}
		if !open {
			p.raw("<polyline points=\"")
			open = true
		}
		at, high := 0.0, 0.5
		if len(means) > 1 {
			at = float64(i) / float64(len(means)-1)
		}
		if line.peak > line.min { // halving first keeps the difference of huge values finite
			high = (v/2 - line.min/2) / (line.peak/2 - line.min/2)
		}
		p.rawf("%.1f,%.1f ", at*chartWidth, 2+(1-high)*(chartTall-4))
		if len(means) == 1 {
			p.rawf("%d,%d ", chartWidth, chartTall/2)
		}
	}
	p.endLine(&open)
	p.raw("</svg></figure>\n")
}

func (p *page) endLine(open *bool) {
	if *open {
		p.raw("\"/>")
		*open = false
	}
}

func (p *page) alerts(run *runlog.Run) {
	if len(run.Alerts) == 0 {
		return
	}
	p.raw("<h2>Alerts</h2>\n<table>\n")
	for _, a := range run.Alerts {
		p.rawf("<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", a.GetLevel(), a.GetTitle(), a.GetText())
	}
	p.raw("</table>\n")
}

func (p *page) console(texts []runlog.ConsoleText) {
	var b strings.Builder
	for i := range texts {
		b.WriteString(texts[i].Text)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if b.Len() == 0 {
		return
	}
	title := "Console"
	if n := len(lines) - maxConsole; n > 0 {
		title, lines = fmt.Sprintf("Console, without the first %d lines", n), lines[n:]
	}
	p.rawf("<h2>%s</h2>\n<pre>%s</pre>\n", title, strings.Join(lines, "\n"))
}
