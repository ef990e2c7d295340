package runapi

import (
	"errors"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// rowsEvery is the time between looks at what other writers of the run have
// logged.
const rowsEvery = 100 * time.Millisecond

// rowTails hands the rows that other processes add to the run to the run's
// outputs, as they are written: those of programs inside and of the official
// client. One goroutine owns it.
type rowTails struct {
	run   *Run
	since int64 // Unix nanoseconds: rows of before were handed on by an earlier process
	tails map[string]*runlog.Tail
	refs  map[string]laneRef
	frame sample.Frame
	rec   wandbpb.Record
}

// laneRef is the series of a key; not ok: none is to be had.
type laneRef struct {
	ref sample.Ref
	ok  bool
}

// tailsRows says whether there are rows of others, and outputs that want them.
func (r *Run) tailsRows() bool {
	return r.hw != nil && r.hw.lane != nil && !r.set.inside && (r.set.RunDir != nil || r.set.FollowClient)
}

// tailRows follows the other writers until Finish.
func (r *Run) tailRows() {
	t := rowTails{run: r, tails: map[string]*runlog.Tail{}, refs: map[string]laneRef{}}
	if r.continued {
		t.since = r.clock.UnixNano(r.clock.Now())
	}
	defer t.close()
	tick := time.NewTicker(rowsEvery)
	defer tick.Stop()
	for {
		t.step()
		select {
		case <-r.stop:
			t.step()
			return
		case <-tick.C:
		}
	}
}

// step hands on what was written since the last call.
func (t *rowTails) step() {
	if dir := t.run.dir.ClientDir(); dir != nil {
		t.follow(dir.LogPath())
	}
	parts, err := t.run.dir.Parts()
	if err != nil {
		return
	}
	for name, path := range parts {
		if strings.HasPrefix(name, programPart) || strings.HasPrefix(name, writerPart) {
			t.follow(path)
		}
	}
}

// follow takes what a log has now. One that cannot be read is left, once.
func (t *rowTails) follow(path string) {
	tail, known := t.tails[path]
	var err error
	if !known {
		tail, err = runlog.OpenTail(path)
		t.tails[path] = tail
	}
	for err == nil && tail != nil {
		var payload []byte
		if payload, err = tail.Next(); err == nil && proto.Unmarshal(payload, &t.rec) == nil {
			if row, ok := runlog.RowOf("", &t.rec); ok {
				t.append(&row)
			}
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		t.run.logError("rows of another writer not followed", err)
		if tail != nil {
			tail.Close()
		}
		t.tails[path] = nil
	}
}

// append hands the numbers of a row on, at the time that the row says.
func (t *rowTails) append(row *runlog.HistoryRow) {
	at := int64(row.Timestamp * 1e9)
	if at < t.since {
		return
	}
	r := t.run
	t.frame.Reset()
	t.frame.Source, t.frame.Step, t.frame.Time = r.hw.source, row.Step, at-r.clock.Anchor
	t.put("", row.Values)
	if len(t.frame.Refs) > 0 {
		r.hw.agent.Append(&t.frame)
	}
}

func (t *rowTails) put(above string, values map[string]any) {
	for key, v := range values {
		switch v := v.(type) {
		case map[string]any:
			t.put(above+key+".", v)
		case int64:
			t.number(above+key, float64(v))
		case float64:
			t.number(above+key, v)
		}
	}
}

func (t *rowTails) number(name string, v float64) {
	ref, known := t.refs[name]
	if !known {
		ref.ref, ref.ok = t.run.laneRef(name)
		t.refs[name] = ref
	}
	if ref.ok {
		t.frame.Put(ref.ref, v)
	}
}

func (t *rowTails) close() {
	for _, tail := range t.tails {
		if tail != nil {
			tail.Close()
		}
	}
}
