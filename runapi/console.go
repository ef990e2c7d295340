package runapi

import (
	"bytes"
	"io"
	"sync"
)

// maxLine is the longest line that is kept together.
const maxLine = 64 << 10

// ConsoleWriter returns a writer that adds text to the run's console, as
// standard error or standard output. Lines are stored when they are complete
// (a carriage return ends one too), when they are 64 KiB long, after a second,
// and at Finish, with secrets masked; a secret that is cut by one of the last
// three is not recognised. Write never fails because of the run: what the log
// refuses is counted in Counters.Dropped. It does not write to the terminal;
// use io.MultiWriter for both.
func (r *Run) ConsoleWriter(stderr bool) io.Writer {
	switch {
	case r == nil || r.off || r.set.DisableConsole:
		return io.Discard
	case stderr:
		return &r.err
	}
	return &r.out
}

// console is one stream of the run's console.
type console struct {
	run    *Run
	stderr bool

	mu     sync.Mutex // guards all below
	part   []byte     // the line that is not complete
	text   []byte     // scratch: masked text
	since  int64      // Clock time when part got its first byte
	closed bool
}

// Write takes the complete lines of p and keeps the rest.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, ErrFinished
	}
	n := 1 + max(bytes.LastIndexByte(p, '\n'), bytes.LastIndexByte(p, '\r'))
	if n > 0 {
		if len(c.part) == 0 {
			c.store(p[:n])
		} else {
			c.part = append(c.part, p[:n]...)
			c.flush()
		}
	}
	if rest := p[n:]; len(rest) > 0 {
		if len(c.part) == 0 {
			c.since = c.run.clock.Now()
		}
		c.part = append(c.part, rest...)
		if len(c.part) >= maxLine {
			c.flush()
		}
	}
	return len(p), nil
}

// flush stores the incomplete line as it is.
func (c *console) flush() {
	if len(c.part) == 0 {
		return
	}
	c.store(c.part)
	c.part = c.part[:0]
	if cap(c.part) > 4*maxLine {
		c.part = nil
	}
}

// store masks text and appends it to the log and to output.log. Errors are
// counted by the log.
func (c *console) store(text []byte) {
	r := c.run
	c.text = r.mask.Append(c.text[:0], text)
	_ = r.log.Output(c.stderr, r.clock.UnixNano(r.clock.Now()), c.text)
	r.lines.append(c.text)
	if cap(c.text) > 16*maxLine {
		c.text = nil
	}
}

// idle stores a line that has been incomplete for longer than age.
func (c *console) idle(now, age int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && len(c.part) > 0 && now-c.since >= age {
		c.flush()
	}
}

// close stores what is left and refuses more.
func (c *console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
	c.closed = true
}
