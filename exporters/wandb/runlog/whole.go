package runlog

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// whole looks for the usual case of a run that ended well: nothing beside the
// log, and a log without damage whose last records are its end. Every checksum
// is verified and hardly a record decoded, which takes a tenth of the time.
// False means that repair has to look closer. It holds the log's lock.
func (r *repair) whole() (bool, error) {
	parts, err := r.dir.parts()
	if err != nil || len(parts) > 0 || len(r.open.files) > 0 || r.look != nil || r.change != nil {
		return false, err
	}
	f, err := openLocked(r.dir.LogPath(), 0)
	if err != nil {
		return false, fmt.Errorf("repair run: %w", err)
	}
	defer f.Close()
	reader := NewReader(f)
	state := NewState()
	var last [3][]byte // newest last
	for n := 0; ; n++ {
		payload, err := reader.payload()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, err
		}
		if n == 0 { // says who wrote the log
			rec := new(wandbpb.Record)
			if proto.Unmarshal(payload, rec) != nil {
				return false, nil
			}
			_ = state.Apply(rec)
		}
		oldest := last[0]
		last[0], last[1], last[2] = last[1], last[2], append(oldest[:0], payload...)
	}
	if reader.Damage().Any() {
		return false, nil
	}
	return r.endsWell(last, state.derive), nil
}

// endsWell says whether the last records are those that a log ends with: exit,
// final, footer, or the exit alone in logs of other writers.
func (r *repair) endsWell(last [3][]byte, ours bool) bool {
	kinds := [3]protowire.Number{kindOf(last[0]), kindOf(last[1]), kindOf(last[2])}
	exit := last[0]
	switch {
	case kinds == [3]protowire.Number{recordExit, recordFinal, recordFooter}:
	case !ours && kinds[2] == recordExit:
		exit = last[2]
	default:
		return false
	}
	rec := new(wandbpb.Record)
	if proto.Unmarshal(exit, rec) != nil || rec.GetExit() == nil {
		return false
	}
	r.report.Exit = exitOf(rec.GetExit())
	return true
}

// Field numbers of the records that end a log.
const (
	recordExit   = 18
	recordFinal  = 20
	recordFooter = 22
)

// kindOf finds the number of the record's own field among those that every
// record may have; 0 if there is none.
func kindOf(payload []byte) protowire.Number {
	for len(payload) > 0 {
		num, typ, n := protowire.ConsumeTag(payload)
		if n < 0 {
			return 0
		}
		switch num {
		case 1, 16, 19, 200: // num, control, uuid, _info
		default:
			return num
		}
		payload = payload[n:]
		if n = protowire.ConsumeFieldValue(num, typ, payload); n < 0 {
			return 0
		}
		payload = payload[n:]
	}
	return 0
}
