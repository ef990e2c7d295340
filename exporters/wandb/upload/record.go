package upload

import (
	"bytes"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of what is read without building messages.
const (
	fieldNum     = 1
	fieldControl = 16
	fieldUUID    = 19
	fieldInfo    = 200

	kindHistory     = 2
	kindSummary     = 3
	kindConfig      = 5
	kindFiles       = 6
	kindStats       = 7
	kindArtifact    = 8
	kindAlert       = 10
	kindTelemetry   = 11
	kindMetric      = 12
	kindOutputRaw   = 13
	kindRun         = 17
	kindExit        = 18
	kindFinal       = 20
	kindHeader      = 21
	kindFooter      = 22
	kindPreempting  = 23
	kindUseArtifact = 25
	kindEnvironment = 26
	kindOutputLine  = 27

	itemKey       = 1
	itemNestedKey = 2
	itemValue     = 16
)

// record is one entry of a log, not decoded further than its head.
type record struct {
	payload  []byte           // all of it
	num      int64            // 0: the writer did not say
	kind     protowire.Number // 0: none
	body     []byte           // of the message of that kind
	part     []byte           // of a folded record: where it came from; nil otherwise
	partNum  int64            // and its number there
	asLogged bool             // rows are to be sent as they were in the part
}

// parseRecord reads the head of an encoded record; false if it is none.
func parseRecord(payload []byte) (record, bool) {
	r := record{payload: payload}
	for b := payload; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return r, false
		}
		b = b[n:]
		switch {
		case num == fieldNum && typ == protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return r, false
			}
			r.num, b = int64(v), b[n:]
			continue
		case typ == protowire.BytesType:
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return r, false
			}
			b = b[n:]
			switch num {
			case fieldUUID:
				r.origin(v)
			case fieldControl, fieldInfo:
			default:
				r.kind, r.body = num, v
			}
			continue
		}
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return r, false
		}
		b = b[n:]
	}
	return r, true
}

// origin reads the mark that folding leaves: <part>:<num>.
func (r *record) origin(uuid []byte) {
	i := bytes.LastIndexByte(uuid, ':')
	if i <= 0 {
		return
	}
	if n, err := strconv.ParseInt(string(uuid[i+1:]), 10, 64); err == nil {
		r.part, r.partNum = uuid[:i], n
	}
}

// isData says whether a record counts for the position. The records that end a
// log do not: repair may take them off to add something before them.
func (r *record) isData() bool {
	switch r.kind {
	case kindExit, kindFinal, kindFooter:
		return false
	}
	return true
}

// originOf names a record: the same text whether it is read from a part or from
// the run's own log that the part was folded into.
func originOf(log string, rec *record) string {
	if rec.part != nil {
		return string(rec.part) + ":" + strconv.FormatInt(rec.partNum, 10)
	}
	return log + ":" + strconv.FormatInt(rec.num, 10)
}
