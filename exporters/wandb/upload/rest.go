package upload

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// countBound is how long an upload that ends looks at what it leaves.
const countBound = time.Second

// countRest reads the logs to their end without keeping anything, so that the
// report says how much was left.
func (u *Uploader) countRest() {
	f := u.feed
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	acked := f.acked
	if u.pos != nil && acked == nil { // it ended before it had begun
		acked = u.pos.Sources
	}
	var old offered
	end := time.Now().Add(countBound)
	for _, s := range u.logs.list {
		for n := 1; !s.folded && (n%1024 != 0 || time.Now().Before(end)); n++ {
			rec, ok, err := s.peek()
			if !ok || err != nil {
				break
			}
			f.count(s.name, rec, acked, &old)
			s.pop()
		}
	}
	if !f.replayed {
		f.replayed = true
		u.mu.Lock()
		u.acked = old
		u.mu.Unlock()
	}
}

// count counts a record as offered, and in old if the server has it.
func (f *feed) count(name string, rec *record, acked map[string]int64, old *offered) {
	if rec.num <= f.mark.Sources[name] || rec.part != nil && rec.partNum <= f.mark.Sources[string(rec.part)] {
		return
	}
	f.offered.count(rec.kind)
	if rec.num <= acked[name] {
		old.count(rec.kind)
	}
}

func (o *offered) count(kind protowire.Number) {
	switch kind {
	case kindHistory:
		o.rows++
	case kindStats:
		o.samples++
	case kindOutputRaw, kindOutputLine:
		o.texts++
	}
}
