package media

import (
	"html"
	"os"
	"strings"
)

// HTML is a page, shown in a frame of its own.
type HTML struct {
	Text string // the page
	Path string // or a file with it, .html
	Raw  bool   // store it as it is; otherwise W&B's style sheet is put into its head
}

// injected goes into the head of pages, as the official client has it.
const injected = `<base target="_blank"><link rel="stylesheet" type="text/css" href="https://app.wandb.ai/normalize.css" />`

// StoreMedia stores the page.
func (h HTML) StoreMedia(dst Store) (Object, error) {
	f := textFile("html", ".html", h.Text)
	if h.Path != "" {
		if err := oneOf("page", h.Text != "", true); err != nil {
			return nil, err
		}
		var err error
		if f, err = fileOf("html", h.Path, ".html"); err != nil {
			return nil, err
		}
	}
	if !h.Raw {
		text := h.Text
		if h.Path != "" {
			content, err := os.ReadFile(h.Path)
			if err != nil {
				return nil, err
			}
			text = string(content)
		}
		f = textFile("html", ".html", inject(text))
	}
	return stored{typ: "html-file", file: f}.put(dst)
}

// inject puts the style sheet into a page.
func inject(page string) string {
	if before, after, ok := strings.Cut(page, "<head>"); ok {
		page = before + "<head>" + injected + after
	} else if before, after, ok := strings.Cut(page, "<html>"); ok {
		page = before + "<html><head>" + injected + "</head>" + after
	} else {
		page = injected + page
	}
	return strings.TrimSpace(page)
}

// StoreMediaList stores several pages under one key.
func (h HTML) StoreMediaList(dst RunStore, list []Value) (Object, error) {
	all, err := objects(dst, list)
	if err != nil {
		return nil, err
	}
	return Object{"_type": "html", "count": len(all), "html": all}, nil
}

// CellType says what a page is in a table.
func (h HTML) CellType() (string, Object) { return "html-file", nil }

// Text is plain text, shown as it is. Text that is logged as a string is a
// value of a chart or a summary instead.
type Text string

// StoreMedia stores the text as a page.
func (t Text) StoreMedia(dst Store) (Object, error) {
	return HTML{Text: `<pre style="white-space: pre-wrap">` + html.EscapeString(strings.ToValidUTF8(string(t), "\ufffd")) + "</pre>"}.StoreMedia(dst)
}

// CellType says what the text is in a table.
func (t Text) CellType() (string, Object) { return "html-file", nil }
