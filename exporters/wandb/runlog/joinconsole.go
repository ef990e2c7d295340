package runlog

import (
	"bytes"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Bounds of console text that waits.
const (
	maxHalfLine = 64 << 10 // of one stream of one writer
	maxHeld     = 1 << 20  // of all, while the main writer's line is not finished
)

// consoleMerge puts the console of several writers into one terminal: the main
// writer's text stays as it came, whole lines of the others stand between its lines with
// their label in front.
type consoleMerge struct {
	write func(*wandbpb.Record) error
	mid   bool // the main writer's line is not finished
	held  []*wandbpb.OutputRawRecord
	bytes int // of held
	half  []*halfLine
}

// halfLine is the unfinished line of one stream of another writer.
type halfLine struct {
	m      *member
	stream wandbpb.OutputRawRecord_OutputType
	text   []byte
	time   *timestamppb.Timestamp
}

// own writes text of the main writer, and what waited for the end of its line.
func (c *consoleMerge) own(rec *wandbpb.Record, out *wandbpb.OutputRawRecord) error {
	text := out.GetLine()
	at := strings.IndexByte(text, '\n') + 1
	if len(c.held) == 0 || at == 0 {
		c.mid = c.mid && text == "" || text != "" && !strings.HasSuffix(text, "\n")
		return c.write(rec)
	}
	out.Line = text[:at]
	if err := c.write(rec); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.mid = false
	if at == len(text) {
		return nil
	}
	return c.own(outputRecord(out.GetOutputType(), out.GetTimestamp(), text[at:]))
}

// other takes text of another writer.
func (c *consoleMerge) other(m *member, out *wandbpb.OutputRawRecord) error {
	h := c.halfOf(m, out.GetOutputType())
	h.time = out.GetTimestamp()
	h.text = append(h.text, out.GetLine()...)
	for {
		n := bytes.IndexByte(h.text, '\n')
		if n < 0 && len(h.text) < maxHalfLine {
			return nil
		}
		if n < 0 {
			n = len(h.text)
		}
		if err := c.line(h, h.text[:n]); err != nil {
			return err
		}
		h.text = append(h.text[:0], h.text[min(n+1, len(h.text)):]...)
	}
}

func (c *consoleMerge) halfOf(m *member, stream wandbpb.OutputRawRecord_OutputType) *halfLine {
	for _, h := range c.half {
		if h.m == m && h.stream == stream {
			return h
		}
	}
	h := &halfLine{m: m, stream: stream}
	c.half = append(c.half, h)
	return h
}

// line writes a finished line, or keeps it while the main writer is in one.
func (c *consoleMerge) line(h *halfLine, text []byte) error {
	out := &wandbpb.OutputRawRecord{OutputType: h.stream, Timestamp: h.time, Line: "[" + h.m.label + "] " + plainLine(text) + "\n"}
	c.held = append(c.held, out)
	c.bytes += len(out.Line)
	switch {
	case !c.mid:
		return c.flush()
	case c.bytes > maxHeld:
		return c.breakLine()
	}
	return nil
}

// breakLine ends the main writer's line by force.
func (c *consoleMerge) breakLine() error {
	if c.mid {
		rec, _ := outputRecord(wandbpb.OutputRawRecord_STDOUT, c.lastTime(), "\n")
		if err := c.write(rec); err != nil {
			return err
		}
		c.mid = false
	}
	return c.flush()
}

func (c *consoleMerge) lastTime() *timestamppb.Timestamp {
	if len(c.held) == 0 {
		return nil
	}
	return c.held[0].GetTimestamp()
}

func (c *consoleMerge) flush() error {
	for _, out := range c.held {
		rec := &wandbpb.Record{RecordType: &wandbpb.Record_OutputRaw{OutputRaw: out}}
		if err := c.write(rec); err != nil {
			return err
		}
	}
	c.held, c.bytes = nil, 0
	return nil
}

// end writes what is left.
func (c *consoleMerge) end() error {
	for _, h := range c.half {
		if len(h.text) == 0 {
			continue
		}
		if err := c.line(h, h.text); err != nil {
			return err
		}
	}
	if len(c.held) == 0 {
		return nil
	}
	return c.breakLine()
}

func outputRecord(stream wandbpb.OutputRawRecord_OutputType, at *timestamppb.Timestamp, text string) (*wandbpb.Record, *wandbpb.OutputRawRecord) {
	out := &wandbpb.OutputRawRecord{OutputType: stream, Timestamp: at, Line: text}
	return &wandbpb.Record{RecordType: &wandbpb.Record_OutputRaw{OutputRaw: out}}, out
}

// plainLine is what a terminal would show of a line that nobody else writes
// to: text behind the last carriage return, and of the escape sequences only colours,
// since others would move in lines of the main writer.
func plainLine(text []byte) string {
	text = bytes.TrimRight(text, "\r")
	text = text[bytes.LastIndexByte(text, '\r')+1:]
	if bytes.IndexByte(text, 0x1b) < 0 {
		return string(text)
	}
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] != 0x1b {
			out = append(out, text[i])
			continue
		}
		n, colour := escapeLen(text[i:])
		if colour {
			out = append(out, text[i:i+n]...)
		}
		i += n - 1
	}
	return string(out)
}

// escapeLen measures the escape sequence that b begins with.
func escapeLen(b []byte) (n int, colour bool) {
	if len(b) < 2 || b[1] != '[' {
		return min(2, len(b)), false
	}
	for n = 2; n < len(b); n++ {
		if b[n] >= 0x40 && b[n] <= 0x7e {
			return n + 1, b[n] == 'm'
		}
	}
	return n, false
}
