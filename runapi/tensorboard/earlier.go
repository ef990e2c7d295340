package tensorboard

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// history is what a follower that was killed had stored of each key and step.
// The one that takes its place reads the files from their beginning and leaves
// these out, so that nothing is missing and nothing is there twice.
type history map[uint64]int32

// has says whether a value is there already, and forgets one.
func (h history) has(key string, step int64) bool {
	if len(h) == 0 {
		return false
	}
	id := valueID(key, step)
	if h[id] == 0 {
		return false
	}
	if h[id]--; h[id] == 0 {
		delete(h, id)
	}
	return true
}

func valueID(key string, step int64) uint64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(step)))
	h.Write([]byte(key))
	return h.Sum64()
}

// earlier reads what followers with this label have stored in a run. The error is
// runlog.ErrLocked when one of them is at work.
func earlier(path, label string) (history, error) {
	dir, err := runlog.OpenDir(path)
	if err != nil {
		return nil, err
	}
	parts, err := dir.Parts()
	if err != nil {
		return nil, err
	}
	found := false
	for name, path := range parts {
		if !isOurs(name, label) {
			continue
		}
		found = true
		unlock, err := runlog.LockFile(path)
		if err != nil { // two would take each other's values for their own
			return nil, fmt.Errorf("label %s: %w", label, err)
		}
		if err := unlock(); err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, nil
	}
	h := history{}
	_, err = runlog.Walk(dir, func(writer string, rec *wandbpb.Record) error {
		if rec.GetHistory() != nil && isOurs(writer, label) {
			h.add(rec.GetHistory())
		}
		return nil
	})
	return h, err
}

// isOurs says whether a part of a run is a follower's; see runapi.Run.Writer.
func isOurs(part, label string) bool {
	id, ok := strings.CutPrefix(part, "writer-"+label+"-")
	return ok && !strings.Contains(id, "-")
}

// add counts the values of a row.
func (h history) add(rec *wandbpb.HistoryRecord) {
	row, ok := runlog.RowOf("", &wandbpb.Record{RecordType: &wandbpb.Record_History{History: rec}})
	if !ok {
		return
	}
	step, _ := row.Values["global_step"].(int64)
	for key := range row.Values {
		if key != "global_step" {
			h[valueID(key, step)]++
		}
	}
}
