package runlog

import (
	"errors"
	"os"
	"sync"
	"time"
)

const (
	bulkBytes = 1 << 20
	bulkStall = time.Minute // nobody waits for this log: it need not be handed off
)

// bulkFile gathers the small writes of a log that nothing depends on until it
// is synced. Its writes follow each other in the file.
type bulkFile struct {
	File
	mu  sync.Mutex
	buf []byte
	at  int64 // file offset of buf
}

func (b *bulkFile) WriteAt(p []byte, at int64) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at != b.at+int64(len(b.buf)) || len(b.buf) >= bulkBytes {
		if err := b.flush(); err != nil {
			return 0, err
		}
		b.at = at
	}
	b.buf = append(b.buf, p...)
	return len(p), nil
}

// flush is called with mu held. What it could not write it keeps.
func (b *bulkFile) flush() error {
	if len(b.buf) == 0 {
		return nil
	}
	if _, err := b.File.WriteAt(b.buf, b.at); err != nil {
		return err
	}
	b.at, b.buf = b.at+int64(len(b.buf)), b.buf[:0]
	return nil
}

func (b *bulkFile) Truncate(size int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.flush(); err != nil {
		return err
	}
	return b.File.Truncate(size)
}

func (b *bulkFile) Datasync() error {
	b.mu.Lock()
	err := b.flush()
	b.mu.Unlock()
	if err != nil {
		return err
	}
	return b.File.Datasync()
}

// blockFile reads a log without keeping a descriptor: there may be more
// writers than a process may have files.
type blockFile struct {
	path string
	at   int64
	size int64 // what was there when the log was inspected
}

var errChanged = errors.New("the log was changed meanwhile")

func (b *blockFile) Read(p []byte) (int, error) {
	f, err := os.Open(b.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() != b.size {
		return 0, errors.Join(err, errChanged)
	}
	n, err := f.ReadAt(p, b.at)
	b.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}
