package keeper

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// slowConsole takes a text whenever step lets it.
type slowConsole struct {
	step chan struct{} // closed: as fast as can be
	mu   sync.Mutex
	text []byte
}

func (c *slowConsole) Output(_ bool, _ int64, text []byte) error {
	<-c.step
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, text...)
	return nil
}

// TestStalledLog: pushes wait for patience in all, not each, then are counted;
// the gap is marked where it is; nothing else is lost.
func TestStalledLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 2 * time.Second
		q := newQueue(4*blockBytes, patience)
		c := &slowConsole{step: make(chan struct{})}
		l := newLogger(q, c)
		go l.run()
		line := append(bytes.Repeat([]byte("x"), blockBytes-1), '\n')
		begin := time.Now()
		for range 10 {
			q.push(false, 1, line)
		}
		if waited := time.Since(begin); waited != patience {
			t.Errorf("ten pushes waited %v, want %v", waited, patience)
		}
		close(c.step)
		synctest.Wait()
		q.push(false, 2, []byte("after\n"))
		lost, err := l.finish(patience)
		whole := int64(bytes.Count(c.text, line)) * blockBytes
		if lost == 0 || lost+whole != 10*blockBytes || err != errTooSlow {
			t.Errorf("lost %d, logged %d of %d bytes, %v", lost, whole, 10*blockBytes, err)
		}
		mark := strings.Index(string(c.text), "bytes of console output are not in this log")
		if mark < int(whole) || !strings.HasSuffix(string(c.text), "\nafter\n") {
			t.Errorf("mark at %d of %d: want it between the text before and after", mark, len(c.text))
		}
	})
}

// TestSlowLogUsesUpPatience: a log that takes something now and then does not
// hold the command to its pace.
func TestSlowLogUsesUpPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 2 * time.Second
		q := newQueue(8*blockBytes, patience)
		c := &slowConsole{step: make(chan struct{})}
		l := newLogger(q, c)
		go l.run()
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case c.step <- struct{}{}:
				case <-stop:
					close(c.step)
					return
				}
				time.Sleep(time.Second)
			}
		}()
		line := append(bytes.Repeat([]byte("x"), blockBytes-1), '\n')
		begin := time.Now()
		for range 40 {
			q.push(false, 1, line)
		}
		// In that time the log takes at most three blocks, and each gives
		// its credit back.
		if waited, most := time.Since(begin), patience+3*credit; waited > most {
			t.Errorf("pushes waited %v in all, want at most %v", waited, most)
		}
		close(stop)
		l.finish(time.Hour)
	})
}

func TestLogOfStuckConsoleIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &slowConsole{step: make(chan struct{})}
		q := newQueue(4*blockBytes, time.Second)
		l := newLogger(q, c)
		go l.run()
		q.push(true, 1, []byte("stuck\n"))
		synctest.Wait()
		q.push(true, 1, []byte("waiting\n"))
		if lost, err := l.finish(time.Second); lost != 14 || err == nil {
			t.Errorf("got %d lost, %v, want 14 and an error", lost, err)
		}
		close(c.step)
	})
}

// TestUnfinishedLine is handed on after tailWait, even while the other stream
// is busy.
func TestUnfinishedLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &slowConsole{step: make(chan struct{})}
		close(c.step)
		q := newQueue(4*blockBytes, time.Second)
		l := newLogger(q, c)
		go l.run()
		q.push(false, time.Now().UnixNano(), []byte("Password: "))
		for range 8 {
			time.Sleep(100 * time.Millisecond)
			q.push(true, time.Now().UnixNano(), []byte("busy\n"))
		}
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if !strings.Contains(string(c.text), "Password: ") {
			t.Errorf("got %q", c.text)
		}
		q.close()
	})
}

// FuzzLines: nothing is lost, added or reordered, and valid text is never cut
// inside a character.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\nc"), uint8(1))
	f.Add([]byte("step 1\rstep 2\r\n\xff\xc3"), uint8(3))
	f.Add(append([]byte("a"), bytes.Repeat([]byte("é"), maxTail)...), uint8(255))
	f.Add([]byte("ééé€€€"), uint8(2))
	f.Fuzz(func(t *testing.T, text []byte, chunk uint8) {
		var got []byte
		var l lines
		l.emit = func(_ int64, p []byte) {
			if len(p) == 0 || utf8.Valid(text) && !utf8.Valid(p) {
				t.Errorf("chunk of %d: emitted %q", chunk, p)
			}
			got = append(got, p...)
		}
		for rest := text; len(rest) > 0; {
			n := min(len(rest), int(chunk)+1)
			l.add(0, rest[:n])
			if chunk%2 == 0 {
				l.flush(false)
			}
			rest = rest[n:]
		}
		l.flush(true)
		if !bytes.Equal(got, text) {
			t.Errorf("chunk of %d: got %q, want %q", chunk, got, text)
		}
	})
}

// TestFoldTimeGrowsWithTheConsole: a worker that has gigabytes of console to
// fold in is not taken for one that hangs. Seen to fail without the count in take.
func TestFoldTimeGrowsWithTheConsole(t *testing.T) {
	q := newQueue(1<<20, time.Second)
	r := relay{logger: &logger{q: q}}
	chunk := make([]byte, blockBytes)
	for range 3 * (32 << 20) / blockBytes {
		q.push(false, 0, chunk)
		b, _ := q.take(0)
		q.recycle(b)
	}
	if got := r.foldTime(); got != 3*time.Second {
		t.Errorf("after 96 MiB of console: %v, want 3s", got)
	}
}
