// Package stream reads the body of a file-stream request.
//
//	{"files": {"wandb-history.jsonl": {"offset": 0, "content": ["{...}", ...]}, ...},
//	 "uploaded": [...], "preempting": true, "complete": true, "exitcode": 0}
//
// It is scanned by hand: a request has up to ten megabytes of lines, each a
// JSON string that holds JSON, and nobody looks into most of them. Everything
// that the protocol does not have is an error.
package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Names of the files that a request may add to.
const (
	History = "wandb-history.jsonl"
	Events  = "wandb-events.jsonl"
	Summary = "wandb-summary.json"
	Console = "output.log"
)

// MaxLine is the longest line of history, events or summary, in bytes.
const MaxLine = 10<<20 - 100<<10

// A Chunk is consecutive lines of one file.
type Chunk struct {
	File   string
	Offset int64    // number of the first line
	Lines  [][]byte // without line ends; they share memory with nothing else
}

// A Request is what a client sends of a run. An empty one is a heartbeat.
type Request struct {
	Chunks     []Chunk
	Uploaded   []string // run files whose transfer has ended
	Preempting bool
	Complete   bool
	ExitCode   *int // only with Complete
	Dropped    int  // lines that an old client gave up
	Failed     bool // an old client's word that it gave up
}

// Parse reads a body. Errors say what is wrong and where.
func Parse(body []byte) (*Request, error) {
	p := &parser{text: body}
	req := &Request{}
	err := p.object(func(name string) error { return p.field(req, name) })
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return nil, fmt.Errorf("file stream: at byte %d: %w", p.at, err)
	}
	if req.ExitCode != nil && !req.Complete {
		return nil, errors.New("file stream: exitcode without complete")
	}
	return req, nil
}

func (p *parser) field(req *Request, name string) error {
	switch name {
	case "files":
		return p.object(func(file string) error { return p.file(req, file) })
	case "uploaded":
		return p.value(&req.Uploaded)
	case "preempting":
		return p.value(&req.Preempting)
	case "complete":
		return p.value(&req.Complete)
	case "exitcode":
		return p.value(&req.ExitCode)
	case "dropped":
		return p.value(&req.Dropped)
	case "failed":
		return p.value(&req.Failed)
	}
	return fmt.Errorf("field %q is not known", name)
}

// file reads one chunk, or the list of chunks that old clients send of the
// console.
func (p *parser) file(req *Request, name string) error {
	switch name {
	case History, Events, Summary, Console:
	default:
		return fmt.Errorf("file %q cannot be streamed", name)
	}
	if p.peek() == '[' && name == Console {
		return p.list(func() error { return p.chunk(req, name) })
	}
	return p.chunk(req, name)
}

func (p *parser) chunk(req *Request, name string) error {
	c := Chunk{File: name, Offset: -1}
	err := p.object(func(field string) error {
		switch field {
		case "offset":
			return p.value(&c.Offset)
		case "content":
			return p.list(func() error {
				line, err := p.text1()
				c.Lines = append(c.Lines, line)
				return err
			})
		}
		return fmt.Errorf("field %q of %s is not known", field, name)
	})
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	req.Chunks = append(req.Chunks, c)
	return nil
}

func (c *Chunk) check() error {
	switch {
	case c.Offset < 0 || c.Offset > math.MaxInt64/2:
		return fmt.Errorf("%s: offset %d", c.File, c.Offset)
	case c.File == Summary && (len(c.Lines) != 1 || c.Offset != 0):
		return fmt.Errorf("%s: %d lines at offset %d: want one line at 0", c.File, len(c.Lines), c.Offset)
	case c.File == Console:
		return nil
	}
	for i, line := range c.Lines {
		if len(line) > MaxLine {
			return fmt.Errorf("%s: line %d has %d bytes: at most %d are allowed", c.File, c.Offset+int64(i), len(line), MaxLine)
		}
		if !isObject(line) {
			return fmt.Errorf("%s: line %d is not a JSON object", c.File, c.Offset+int64(i))
		}
	}
	return nil
}

// value reads any value into v by encoding/json.
func (p *parser) value(v any) error {
	start := p.at
	if err := p.skip(0); err != nil {
		return err
	}
	return json.Unmarshal(p.text[start:p.at], v)
}
