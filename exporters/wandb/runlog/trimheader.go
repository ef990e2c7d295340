package runlog

import "google.golang.org/protobuf/encoding/protowire"

// headerCutLines is a field of our own in the header record: how many lines of
// console text that was sent are not in the log any more. The number of a line at
// the server is its place in the whole of the console.
const headerCutLines = 1003

// CutLines returns how many lines of console text that had been sent were taken
// off a log, as its header record says. body is that of the encoded message.
func CutLines(body []byte) int64 {
	_, lines := splitCutLines(body)
	return lines
}

// splitCutLines returns body without the field, and the field.
func splitCutLines(body []byte) (rest []byte, lines int64) {
	for b := body; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return body, 0
		}
		m := protowire.ConsumeFieldValue(num, typ, b[n:])
		if m < 0 {
			return body, 0
		}
		if num == headerCutLines && typ == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(b[n:])
			lines = max(int64(v), 0)
		} else {
			rest = append(rest, b[:n+m]...)
		}
		b = b[n+m:]
	}
	return rest, lines
}

// withCutLines returns a header record whose body says that so many lines more
// were taken off.
func withCutLines(payload, body []byte, more int64) []byte {
	if more == 0 {
		return payload
	}
	rest, lines := splitCutLines(body)
	rest = protowire.AppendTag(rest, headerCutLines, protowire.VarintType)
	rest = protowire.AppendVarint(rest, uint64(lines+more))
	var out []byte
	for b := payload; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		m := protowire.ConsumeFieldValue(num, typ, b[max(n, 0):])
		if n < 0 || m < 0 { // readHead has read it
			return payload
		}
		if num != recordHeader {
			out = append(out, b[:n+m]...)
		} else {
			out = protowire.AppendBytes(protowire.AppendTag(out, recordHeader, protowire.BytesType), rest)
		}
		b = b[n+m:]
	}
	return out
}
