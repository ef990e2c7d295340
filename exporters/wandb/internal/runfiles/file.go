package runfiles

import (
	"io/fs"
	"maps"
	"slices"
	"time"
)

// A file is what an Uploader knows of one name. The Uploader's lock guards it.
type file struct {
	name   string
	source string // where its bytes are; empty for below the root
	live   bool
	state  state
	again  bool   // has to be sent once more after the upload under way
	atEnd  bool   // waits for Finish
	md5    string // hex, of what the server has
	seen   stamp  // as it was when it was read for the last upload
	tries  int    // uploads that the server refused
}

// A state is where a file stands.
type state uint8

const (
	idle state = iota
	queued
	sending
)

// A stamp tells versions of a file apart, mostly.
type stamp struct {
	size int64
	at   time.Time
}

func stampOf(i fs.FileInfo) stamp { return stamp{i.Size(), i.ModTime()} }

// enqueue makes f wait for the next batch. The lock is held.
func (u *Uploader) enqueue(f *file) {
	switch {
	case f.state == sending && !f.again:
		f.again = true
		u.counts.Offered++
	case f.state == idle:
		u.counts.Offered++
		u.requeue(f)
	}
}

// requeue puts a file that is offered already into the queue. The lock is held.
func (u *Uploader) requeue(f *file) {
	f.state = queued
	u.queue = append(u.queue, f)
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// hold makes f wait for Finish. The lock is held.
func (u *Uploader) hold(f *file) {
	if !f.atEnd {
		f.atEnd = true
		u.counts.Offered++
	}
}

// cut takes up to n files from the queue.
func (u *Uploader) cut(n int) []*file {
	u.mu.Lock()
	defer u.mu.Unlock()
	n = min(n, len(u.queue))
	batch := append([]*file(nil), u.queue[:n]...)
	u.queue = append(u.queue[:0], u.queue[n:]...)
	for _, f := range batch {
		f.state = sending
	}
	return batch
}

// release ends an upload of f, however it went.
func (u *Uploader) release(f *file) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f.state, f.tries = idle, 0
	if f.again {
		f.again = false
		u.requeue(f)
	}
}

// postpone puts f back: an outage is no reason to drop it. One upload serves
// for both when another one waited.
func (u *Uploader) postpone(f *file) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if f.again {
		f.again = false
		u.counts.Offered--
	}
	u.requeue(f)
}

// sent notes that the server has f.
func (u *Uploader) sent(f *file, v version) {
	u.mu.Lock()
	same := f.md5 == v.md5
	f.md5, f.seen = v.md5, v.stamp
	u.counts.Sent++
	u.failures = 0
	if same {
		u.counts.Unchanged++
	} else {
		u.counts.Bytes += v.size
	}
	u.mu.Unlock()
	if !same && u.o.Uploaded != nil {
		u.o.Uploaded(f.name, v.md5)
	}
}

// giveUp drops f as it is now. A live file comes again when it changed.
func (u *Uploader) giveUp(f *file, err error) {
	if info, err := u.stat(f); err == nil {
		u.mu.Lock()
		f.seen = stampOf(info)
		u.mu.Unlock()
	}
	u.drop(f.name, err)
	u.release(f)
}

// changed queues the live files that look different from their last upload.
func (u *Uploader) changed() {
	u.mu.Lock()
	var live []*file
	for _, f := range u.files {
		if f.live && f.state == idle {
			live = append(live, f)
		}
	}
	u.mu.Unlock()
	for _, f := range live {
		info, err := u.stat(f)
		u.mu.Lock()
		if err == nil && f.seen != stampOf(info) {
			u.enqueue(f)
		}
		u.mu.Unlock()
	}
}

// rest queues what Finish has to send: the files that waited for the end, and
// the live ones, whose last change may be too quick for their time to tell.
func (u *Uploader) rest() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(u.files)) {
		f := u.files[name]
		switch {
		case f.atEnd && f.state == idle:
			u.requeue(f)
		case f.atEnd:
			u.counts.Offered-- // the upload that waits anyway serves for it
		case f.live:
			u.enqueue(f)
		}
		f.atEnd = false
	}
}
