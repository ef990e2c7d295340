package keeper

import (
	"sync"
	"time"
)

const (
	blockBytes   = 256 << 10
	blockEntries = 4096
	spareBlocks  = 16
)

// queue holds console bytes on their way to the log: bounded memory, filled by
// the pumps and emptied by one logger, a block at a time.
type queue struct {
	patience time.Duration // how long pushes wait for room, in all, until half of it is free again

	mu     sync.Mutex
	blocks []*block // filled in order; the last may still have room
	spare  []*block
	max    int           // blocks
	room   chan struct{} // closed and replaced when room is made
	wake   chan struct{} // size 1: something to take, or closed
	closed bool

	waited   time.Duration // of patience
	dropping bool          // patience is used up
	lost     int64         // bytes since dropping began
	lostAll  int64
	taken    int64 // bytes handed to the log
}

// block is a run of entries with their bytes one behind the other: at most
// 384 KiB, half of it rarely used.
type block struct {
	buf     []byte
	entries []entry
}

// entry is what one read of a pump returned, or (lost > 0) says how many bytes
// are missing here.
type entry struct {
	end    int // of its bytes in buf; they start where the entry before ends
	stderr bool
	at     int64 // Unix nanoseconds
	lost   int64
}

func newQueue(bytes int, patience time.Duration) *queue {
	return &queue{
		patience: patience,
		max:      max(2, bytes/blockBytes),
		room:     make(chan struct{}),
		wake:     make(chan struct{}, 1),
	}
}

// push copies p into the queue. If there is no room it waits for at most
// patience; what does not fit then is counted as lost.
func (q *queue) push(stderr bool, at int64, p []byte) {
	for len(p) > 0 {
		q.mu.Lock()
		n := q.append(stderr, at, p)
		room, dropping := q.room, q.dropping || q.closed
		if n == 0 && dropping {
			q.lost += int64(len(p))
			q.lostAll += int64(len(p))
			n = len(p)
		}
		q.mu.Unlock()
		p = p[n:]
		wakeUp(q.wake)
		if n == 0 {
			q.await(room)
		}
	}
}

// credit is the patience that a block handed to the log gives back: a log that
// takes 32 MiB/s or more holds the command to its pace and lacks nothing, a
// slower one uses patience up as one that hangs does.
const credit = time.Second * blockBytes / (32 << 20)

// await waits for room as long as patience lasts.
func (q *queue) await(room <-chan struct{}) {
	q.mu.Lock()
	left := q.patience - q.waited
	q.mu.Unlock()
	begin := time.Now()
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-room:
	case <-t.C:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waited += time.Since(begin)
	q.dropping = q.waited >= q.patience
}

// append copies as much of p as fits into the last block, or into one more.
// The caller holds mu.
func (q *queue) append(stderr bool, at int64, p []byte) int {
	if len(q.blocks) <= q.max/2 {
		q.dropping, q.waited = false, 0
	}
	if q.closed || q.dropping {
		return 0
	}
	b := q.last()
	if b == nil {
		return 0
	}
	if q.lost > 0 {
		b.entries = append(b.entries, entry{end: len(b.buf), at: at, lost: q.lost})
		q.lost = 0
	}
	if cap(b.buf) == 0 && len(p) >= blockBytes/16 {
		b.buf = make([]byte, 0, blockBytes) // not by doubling: there is more to come
	}
	n := min(len(p), blockBytes-len(b.buf))
	b.buf = append(b.buf, p[:n]...)
	b.entries = append(b.entries, entry{end: len(b.buf), stderr: stderr, at: at})
	return n
}

// last returns a block with room for one more entry, or nil at the bound. The
// caller holds mu.
func (q *queue) last() *block {
	if n := len(q.blocks); n > 0 {
		b := q.blocks[n-1]
		if len(b.buf) < blockBytes && len(b.entries) < blockEntries {
			return b
		}
	}
	if len(q.blocks) >= q.max {
		return nil
	}
	b := &block{}
	if n := len(q.spare); n > 0 {
		b, q.spare = q.spare[n-1], q.spare[:n-1]
	}
	q.blocks = append(q.blocks, b)
	return b
}

// take removes the oldest block. It waits until there is one, or for idle
// (0: for ever) and then returns nil, or until the queue is closed and empty
// and then returns false.
func (q *queue) take(idle time.Duration) (*block, bool) {
	var timeout <-chan time.Time
	if idle > 0 {
		t := time.NewTimer(idle)
		defer t.Stop()
		timeout = t.C
	}
	for {
		q.mu.Lock()
		if len(q.blocks) > 0 {
			b := q.blocks[0]
			q.blocks = append(q.blocks[:0], q.blocks[1:]...)
			close(q.room)
			q.room = make(chan struct{})
			q.waited = max(0, q.waited-credit)
			q.taken += int64(len(b.buf))
			q.mu.Unlock()
			return b, true
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return nil, false
		}
		select {
		case <-q.wake:
		case <-timeout:
			return nil, true
		}
	}
}

// recycle gives a block back. The bound counts waiting blocks only, so one
// more is in the logger's hands, and spareBlocks are kept.
func (q *queue) recycle(b *block) {
	b.buf, b.entries = b.buf[:0], b.entries[:0]
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.spare) < spareBlocks {
		q.spare = append(q.spare, b)
	}
}

// close ends the queue: what is in it can still be taken.
func (q *queue) close() (lost int64) {
	q.mu.Lock()
	q.closed = true
	lost = q.lost
	q.lost = 0
	q.mu.Unlock()
	wakeUp(q.wake)
	return lost
}

// waiting returns the bytes that nobody has taken yet.
func (q *queue) waiting() (n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, b := range q.blocks {
		n += int64(len(b.buf))
	}
	return n
}

func (q *queue) lostBytes() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lostAll
}

// takenBytes returns the bytes that were handed to the log.
func (q *queue) takenBytes() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken
}

// wakeUp wakes whoever waits on a channel of size one.
func wakeUp(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
