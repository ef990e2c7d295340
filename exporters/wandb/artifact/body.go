package artifact

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"hash"
	"io"
	"sync"
)

// A checkedBody is a piece of a file on its way to a server. Its last bytes are
// given out only when all of them are what they were when they were hashed:
// whoever reads it otherwise gets an error, so nothing that changed is ever
// stored whole.
type checkedBody struct {
	from    *io.SectionReader
	sum     [SumBytes]byte
	changed func() // called when the content is not what it was

	mu   sync.Mutex
	hash hash.Hash
	next int64 // what has been hashed
	good bool  // all of it has been read, and is right
}

func newCheckedBody(from *io.SectionReader, sum [SumBytes]byte, changed func()) *checkedBody {
	return &checkedBody{from: from, sum: sum, changed: changed, hash: md5.New()}
}

// ReadAt gives the piece from its start to its end, once or again from the start.
func (b *checkedBody) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.from.ReadAt(p, off)
	b.mu.Lock()
	defer b.mu.Unlock()
	if off == 0 {
		b.hash.Reset()
		b.next = 0
	}
	if off != b.next {
		return 0, fmt.Errorf("read at %d instead of %d: %w", off, b.next, io.ErrUnexpectedEOF)
	}
	_, _ = b.hash.Write(p[:n])
	b.next += int64(n)
	switch {
	case err == io.EOF && b.next < b.from.Size(): // the file is shorter now
		b.changed()
		return 0, ErrChanged
	case b.next == b.from.Size() && n > 0:
		if !bytes.Equal(b.hash.Sum(nil), b.sum[:]) {
			return 0, b.wrong()
		}
		b.good = true
	}
	return n, err
}

// wrong decides why the sum is wrong: the content is, or a request that was
// given up read along.
func (b *checkedBody) wrong() error {
	h := md5.New()
	if _, err := io.Copy(h, io.NewSectionReader(b.from, 0, b.from.Size())); err != nil {
		return err
	}
	if bytes.Equal(h.Sum(nil), b.sum[:]) {
		return io.ErrUnexpectedEOF
	}
	b.changed()
	return ErrChanged
}

// sent says whether the piece was read whole.
func (b *checkedBody) sent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.good || b.from.Size() == 0
}
