package derive

import (
	"strings"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// template is a View's key cut at its braces.
type template struct{ parts []part }

// part is literal text, or the label to put in its place.
type part struct {
	text   string // literal text when label is empty
	label  string
	number bool // only the digits at the end of the label's value
}

// parseTemplate cuts a key such as gpu.{hw.name#}.temp. A brace that is never
// closed is literal text; the catalogue's test refuses such a key.
func parseTemplate(key string) template {
	var t template
	for key != "" {
		open := strings.IndexByte(key, '{')
		width := strings.IndexByte(key[max(open, 0):], '}')
		if open < 0 || width < 0 {
			break
		}
		t.addText(key[:open])
		label := key[open+1 : open+width]
		name, number := strings.CutSuffix(label, "#")
		t.parts = append(t.parts, part{label: name, number: number})
		key = key[open+width+1:]
	}
	t.addText(key)
	return t
}

func (t *template) addText(s string) {
	if s != "" {
		t.parts = append(t.parts, part{text: s})
	}
}

// has reports whether the template names the label.
func (t *template) has(label string) bool {
	for i := range t.parts {
		if t.parts[i].label == label && label != "" {
			return true
		}
	}
	return false
}

// render fills in the labels of d; false when d lacks one of them.
func (t *template) render(d *sample.Desc) (string, bool) {
	var b strings.Builder
	for i := range t.parts {
		p := &t.parts[i]
		v := p.text
		if p.label != "" {
			v = d.Label(p.label)
			if p.number {
				v = v[len(strings.TrimRight(v, "0123456789")):]
			}
			if v == "" {
				return "", false
			}
		}
		b.WriteString(v)
	}
	return b.String(), true
}
