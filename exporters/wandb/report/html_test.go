package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func renderHTML(t testing.TB, run *runlog.Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, run); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPageShowsEverySection(t *testing.T) {
	run := exampleRun()
	run.Notes, run.Group = "two\nlines", "g"
	run.Console = []runlog.ConsoleText{{Text: "hello\n"}, {Text: "world\n"}}
	run.Alerts = []*wandbpb.AlertRecord{{Title: "low", Text: "it is", Level: "WARN"}}
	page := renderHTML(t, run)
	for _, want := range []string{
		"<title>first</title>", `<span class="ok">finished</span>`, "after 12s, 4 rows", "<td>digits</td>", "<td>a, b</td>", "<pre>two\nlines</pre>",
		"<td>net.hidden</td><td>32</td>", "<td>val.acc.max</td><td>0.9</td>", "last 0.25, 0.25 to 1</span>", "val.acc", "process CPU %", "<polyline points=",
		"<td>WARN</td><td>low</td><td>it is</td>", "<pre>hello\nworld</pre>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{"<script", "http://", "https://", "src=", "href=", "unheard.of"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q", not)
		}
	}
	for class, exit := range map[string]*runlog.Exit{"bad": {Known: true, Code: 1}, "odd": nil} {
		run.Exit = exit
		if !strings.Contains(renderHTML(t, run), `<span class="`+class+`">`) {
			t.Errorf("exit %+v is not %s", exit, class)
		}
	}
}

// wellFormed reads the page as XML, which what we write is as far as it goes: no
// text of a run may open or close an element.
func wellFormed(page string) error {
	_, body, _ := strings.Cut(page, "<body>")
	d := xml.NewDecoder(strings.NewReader("<body>" + strings.TrimSuffix(body, "</html>\n")))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok && !strings.Contains(" body h1 h2 p span table tr td pre div figure figcaption svg polyline ", " "+e.Name.Local+" ") {
			return fmt.Errorf("element %s", e.Name.Local)
		}
	}
}

// hostile is a run that says s wherever it can.
func hostile(s string) *runlog.Run {
	return &runlog.Run{
		ID: s, Name: s, Project: s, Entity: s, Notes: s, Group: s, JobType: s, Host: s, SweepID: s, Tags: []string{s},
		Config: map[string]any{s: s}, Summary: map[string]any{s: map[string]any{s: s}},
		History: []runlog.HistoryRow{{Values: map[string]any{s: 1.0}}, {Values: map[string]any{s: math.NaN()}}, {Values: map[string]any{s: 1e308}}, {Values: map[string]any{s: -1e308}}},
		Console: []runlog.ConsoleText{{Text: s}}, Alerts: []*wandbpb.AlertRecord{{Title: s, Text: s, Level: s}},
		Environment: &wandbpb.EnvironmentRecord{GpuNvidia: []*wandbpb.GpuNvidiaInfo{{Name: s}}}, Stats: []runlog.Sample{{Values: map[string]any{"cpu": 1.0}}},
	}
}

// FuzzPage: whatever a run says is text on its page. Seen to fail without escape
// in rawf.
func FuzzPage(f *testing.F) {
	for _, s := range []string{"", "x", "<script>alert(1)</script>", `"><svg onload=x>`, "</pre><b>", "&lt;", "a\x00\x1b[2Jb", "\xff\xfe", "]]>", "\u2028 \ufffe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if err := wellFormed(renderHTML(t, hostile(s))); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	})
}

func TestPageIsBounded(t *testing.T) {
	run := &runlog.Run{ID: "r"}
	values := map[string]any{}
	for i := range maxCharts + 7 {
		values[fmt.Sprintf("k%03d", i)] = 1.5
	}
	for i := range 20_000 {
		run.History = append(run.History, runlog.HistoryRow{Step: int64(i), Values: map[string]any{"x": float64(i)}})
	}
	run.History[0].Values = values
	run.Console = []runlog.ConsoleText{{Text: strings.Repeat("line\n", 3*maxConsole)}}
	page := renderHTML(t, run)
	if !strings.Contains(page, "+8 more") || !strings.Contains(page, "without the first 800 lines") || len(page) > 300_000 {
		t.Errorf("a page of %d bytes", len(page))
	}
}
