package media

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Plotly is an interactive chart in the JSON of plotly: an object with data and
// layout.
type Plotly struct {
	Figure any // a value with that JSON, or json.RawMessage
}

// StoreMedia stores the chart. Elsewhere than in a run it is ErrLoggedOnly.
func (p Plotly) StoreMedia(dst Store) (Object, error) {
	if _, err := inRow(dst); err != nil {
		return nil, err
	}
	text, figure, err := jsonObject(p.Figure)
	if err != nil {
		return nil, fmt.Errorf("plotly figure: %w", err)
	}
	if _, ok := figure["data"].([]any); !ok {
		return nil, errors.New("plotly figure: it has no list called data")
	}
	return stored{typ: "plotly-file", file: textFile("plotly", ".plotly.json", string(text))}.put(dst)
}

func (Plotly) loggedOnly() {}

// jsonObject is the JSON of v, which must be an object.
func jsonObject(v any) ([]byte, map[string]any, error) {
	text, err := xjson.AppendValue(nil, v)
	if err != nil {
		return nil, nil, err
	}
	decoded, err := xjson.Decode(text)
	if err != nil {
		return nil, nil, err
	}
	m, ok := decoded.(map[string]any)
	if !ok {
		return nil, nil, errors.New("want a JSON object")
	}
	return text, m, nil
}

// VegaLite is a chart in the JSON of Vega-Lite or Vega. It is stored as a page
// that draws it, with the scripts of vega-embed loaded from the web by whoever
// looks at it. Charts that W&B itself draws are values of type Chart.
type VegaLite struct {
	Spec    any    // a value with that JSON, or json.RawMessage
	Scripts string // where the scripts are: a CDN with the packages of npm; https://cdn.jsdelivr.net/npm when empty
}

// StoreMedia stores the chart.
func (v VegaLite) StoreMedia(dst Store) (Object, error) {
	text, _, err := jsonObject(v.Spec)
	if err != nil {
		return nil, fmt.Errorf("vega-lite chart: %w", err)
	}
	base := strings.TrimSuffix(v.Scripts, "/")
	if base == "" {
		base = "https://cdn.jsdelivr.net/npm"
	}
	var spec bytes.Buffer
	json.HTMLEscape(&spec, text) // text in it must not end the script
	var page strings.Builder
	page.WriteString("<html><head>")
	for _, script := range []string{"vega@6", "vega-lite@6", "vega-embed@7"} {
		fmt.Fprintf(&page, "<script src=%q></script>", base+"/"+script)
	}
	fmt.Fprintf(&page, `</head><body><div id="chart"></div><script>vegaEmbed("#chart", %s)</script></body></html>`, spec.Bytes())
	return HTML{Text: page.String(), Raw: true}.StoreMedia(dst)
}

// CellType says what a chart is in a table.
func (v VegaLite) CellType() (string, Object) { return "html-file", nil }

// Plot is what any plotting package draws: SVG or HTML. Charts in PNG are
// pictures: see package runapi/media/picture.
//
//	w, err := p.WriterTo(4*vg.Inch, 3*vg.Inch, "svg") // p of gonum.org/v1/plot
//	run.Log(map[string]any{"loss curve": media.Plot{From: w, Format: "svg"}})
type Plot struct {
	From   io.WriterTo
	Format string // svg or html
}

// StoreMedia stores the plot as a page.
func (p Plot) StoreMedia(dst Store) (Object, error) {
	if p.From == nil {
		return nil, errors.New("plot: there is nothing to draw")
	}
	var b bytes.Buffer
	if _, err := p.From.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("draw plot: %w", err)
	}
	text := b.String()
	switch strings.ToLower(p.Format) {
	case "svg":
		if i := strings.Index(text, "<svg"); i >= 0 { // what stands before it belongs to files
			text = text[i:]
		} else {
			return nil, errors.New("plot: there is no <svg> in it")
		}
		text = "<html><body>" + text + "</body></html>"
	case "html":
	default:
		return nil, fmt.Errorf("plot of format %q: want svg or html", p.Format)
	}
	return HTML{Text: text, Raw: true}.StoreMedia(dst)
}

// CellType says what a plot is in a table.
func (p Plot) CellType() (string, Object) { return "html-file", nil }
