package filestream

import "strconv"

// Batch is what one request tells the server, or several where one is too
// large or has parts that the server refuses. The zero value is a heartbeat.
type Batch struct {
	History, Events Lines
	Summary         []byte    // the whole summary as one JSON object; nil: unchanged
	Console         []Console // in this order; all but the first need requests of their own
	Uploaded        []string  // run files that were stored
	Preempting      bool
	Complete        bool // the last request of the run, with ExitCode
	ExitCode        int
}

// Console is a run of console lines that follow each other. Lines that the
// server has already are replaced.
type Console struct {
	At    int64 // number of the first line, from 0
	Lines []string
}

// Empty says that there is nothing to tell but that the run lives.
func (b *Batch) Empty() bool {
	return b.History.Len() == 0 && b.Events.Len() == 0 && b.Summary == nil && len(b.Console) == 0 &&
		len(b.Uploaded) == 0 && !b.Preempting && !b.Complete
}

// Reset makes b empty and keeps its memory.
func (b *Batch) Reset() {
	b.History.Reset()
	b.Events.Reset()
	*b = Batch{History: b.History, Events: b.Events}
}

// rest is b without history and events.
func (b *Batch) rest() *Batch {
	r := *b
	r.History, r.Events = Lines{}, Lines{}
	return &r
}

// appendJSON appends the body of the request with the lines at the given
// offsets and the first run of console lines.
func (b *Batch) appendJSON(dst []byte, history, events int64) []byte {
	dst = append(dst, '{')
	dst = b.appendFiles(dst, history, events)
	field := func(name string) {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), '"', ':')
	}
	if len(b.Uploaded) > 0 {
		field("uploaded")
		dst = appendStrings(dst, b.Uploaded)
	}
	if b.Preempting {
		field("preempting")
		dst = append(dst, "true"...)
	}
	if b.Complete {
		field("complete")
		dst = append(dst, "true"...)
		field("exitcode")
		dst = strconv.AppendInt(dst, int64(b.ExitCode), 10)
	}
	return append(dst, '}')
}

func (b *Batch) appendFiles(dst []byte, history, events int64) []byte {
	const open = `"files":{`
	start := len(dst)
	dst = append(dst, open...)
	file := func(name string, offset int64) {
		if len(dst) > start+len(open) {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), `":{"offset":`...)
		dst = append(strconv.AppendInt(dst, offset, 10), `,"content":`...)
	}
	if b.History.Len() > 0 {
		file("wandb-history.jsonl", history)
		dst = append(append(append(dst, '['), b.History.body...), ']', '}')
	}
	if b.Events.Len() > 0 {
		file("wandb-events.jsonl", events)
		dst = append(append(append(dst, '['), b.Events.body...), ']', '}')
	}
	if b.Summary != nil {
		file("wandb-summary.json", 0)
		dst = append(appendString(append(dst, '['), b.Summary), ']', '}')
	}
	if len(b.Console) > 0 {
		file("output.log", b.Console[0].At)
		dst = append(appendStrings(dst, b.Console[0].Lines), '}')
	}
	if len(dst) == start+len(open) {
		return dst[:start]
	}
	return append(dst, '}')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, []byte(s))
	}
	return append(dst, ']')
}
