package runapi

import (
	"errors"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// clientLane hands the rows of a client to the run's outputs, as the client
// writes them. One goroutine owns it.
type clientLane struct {
	run   *Run
	since int64 // Unix nanoseconds: rows of before were handed on
	tail  *runlog.Tail
	off   bool // nothing to be handed on, or to nobody
	refs  map[string]laneRef
	frame sample.Frame
	rec   wandbpb.Record
}

// laneRef is the series of a key; not ok: none is to be had.
type laneRef struct {
	ref sample.Ref
	ok  bool
}

// follow hands on what the client has written since the last call.
func (c *clientLane) follow(dir *runlog.Dir) {
	if c.off || c.run.hw == nil || c.run.hw.lane == nil {
		return
	}
	var err error
	if c.tail == nil {
		c.tail, err = runlog.OpenTail(dir.LogPath())
	}
	if err == nil {
		err = c.drain(c.tail)
	}
	if err != nil {
		c.run.logError("rows of the client not followed", err)
		c.off = true
	}
}

func (c *clientLane) close() {
	if c.tail != nil {
		c.tail.Close()
	}
}

// drain takes what the log has now.
func (c *clientLane) drain(tail *runlog.Tail) error {
	for {
		payload, err := tail.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if proto.Unmarshal(payload, &c.rec) != nil {
			continue
		}
		if row, ok := runlog.RowOf(runlog.ClientWriter, &c.rec); ok {
			c.append(&row)
		}
	}
}

// append hands the numbers of a row on, at the time that the row says.
func (c *clientLane) append(row *runlog.HistoryRow) {
	at := int64(row.Timestamp * 1e9)
	if at < c.since {
		return
	}
	r := c.run
	c.frame.Reset()
	c.frame.Source, c.frame.Step, c.frame.Time = r.hw.source, row.Step, at-r.clock.Anchor
	c.put("", row.Values)
	if len(c.frame.Refs) > 0 {
		r.hw.agent.Append(&c.frame)
	}
}

func (c *clientLane) put(above string, values map[string]any) {
	for key, v := range values {
		name := above + key
		switch v := v.(type) {
		case map[string]any:
			c.put(name+".", v)
		case int64:
			c.number(name, float64(v))
		case float64:
			c.number(name, v)
		}
	}
}

func (c *clientLane) number(name string, v float64) {
	ref, known := c.refs[name]
	if !known {
		ref.ref, ref.ok = c.run.laneRef(name)
		c.refs[name] = ref
	}
	if ref.ok {
		c.frame.Put(ref.ref, v)
	}
}
