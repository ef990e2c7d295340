package tensorboard

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// A record of an event file is
//
//	length, 8 bytes | masked CRC of length, 4 bytes | data | masked CRC of data, 4 bytes
//
// little endian. See
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/io/record_writer.h
const (
	headBytes = 12
	tailBytes = 4
)

const (
	// maxRecord bounds a record: larger ones are skipped.
	maxRecord = 256 << 20
	// chunkBytes is how much is read at a time, and searched behind damage.
	chunkBytes = 64 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of event files: CRC-32C, rotated and moved so that a
// checksum of bytes that hold checksums is a good one.
func masked(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// progress is what came of looking for a record.
type progress uint8

const (
	got   progress = iota // there is one
	end                   // not yet: the file ends
	again                 // there is more to look at
)

// damage counts what could not be read of a file.
type damage struct {
	records int64 // places where the framing or a checksum was wrong
	bytes   int64 // skipped there
}

// scanner reads the records of a file that may grow. It keeps no more of it than
// one record and a chunk.
type scanner struct {
	from io.ReaderAt
	off  int64 // of the next record
	bad  damage

	buf, room []byte // the file from off on, as far as it was read; what buf lies in
	searched  int64  // no good record begins between off and here
}

// next returns the data of the next record, which is valid until the following
// call. The error is that of the file.
func (s *scanner) next() ([]byte, progress, error) {
	if err := s.fill(headBytes); err != nil || len(s.buf) < headBytes {
		return nil, end, err
	}
	n, ok := dataLength(s.buf)
	if !ok {
		p, err := s.search()
		return nil, p, err
	}
	if n > maxRecord {
		p, err := s.skipLarge(n)
		return nil, p, err
	}
	whole := headBytes + int(n) + tailBytes
	if err := s.fill(whole); err != nil || len(s.buf) < whole {
		return nil, end, err
	}
	data := s.buf[headBytes : headBytes+n]
	if !good(data, s.buf[headBytes+n:]) {
		p, err := s.search()
		return nil, p, err
	}
	s.move(int64(whole))
	return data, got, nil
}

// dataLength reads the head of a record; false when its checksum is wrong.
func dataLength(head []byte) (uint64, bool) {
	n := binary.LittleEndian.Uint64(head)
	return n, masked(head[:8]) == binary.LittleEndian.Uint32(head[8:])
}

// good says whether data has the checksum that tail begins with.
func good(data, tail []byte) bool { return masked(data) == binary.LittleEndian.Uint32(tail) }

// fill reads until n bytes of the file are in buf, or all that it has.
func (s *scanner) fill(n int) error {
	for len(s.buf) < n {
		have := len(s.buf)
		want := max(min(n-have, 16*chunkBytes), chunkBytes) // not all of a length that may be wrong
		if cap(s.buf)-have < want {
			if len(s.room) < have+want {
				s.room = make([]byte, max(have+want, min(2*have, n)))
			}
			s.buf = s.room[:copy(s.room, s.buf)]
		}
		got, err := s.from.ReadAt(s.buf[have:have+want], s.off+int64(have))
		s.buf = s.buf[:have+got]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// move goes n bytes on.
func (s *scanner) move(n int64) {
	s.off += n
	s.buf = s.buf[min(n, int64(len(s.buf))):]
}

// forget drops what was read and not used: the file may change there.
func (s *scanner) forget() { s.buf, s.room = nil, nil }

// skip counts n bytes as lost.
func (s *scanner) skip(n int64) {
	s.bad.records++
	s.bad.bytes += n
	s.move(n)
}

// skipLarge goes over a record that is too large, once all of it is there.
func (s *scanner) skipLarge(n uint64) (progress, error) {
	if n > 1<<62 {
		return end, nil // no file is that large
	}
	var last [1]byte
	size := int64(headBytes + n + tailBytes)
	if got, err := s.from.ReadAt(last[:], s.off+size-1); got == 0 {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return end, err
	}
	s.skip(size)
	return again, nil
}

// search looks, in the next chunk, for a good record behind a bad one, and goes
// there.
func (s *scanner) search() (progress, error) {
	from := max(s.searched, s.off+1)
	var chunk [chunkBytes]byte
	n, err := s.from.ReadAt(chunk[:], from)
	if err != nil && !errors.Is(err, io.EOF) {
		return end, err
	}
	for at := 0; at+headBytes <= n; at++ {
		length, ok := dataLength(chunk[at:])
		if !ok || length > maxRecord {
			continue
		}
		s.searched = from + int64(at)
		whole, there, err := s.recordAt(s.searched, int(length))
		if err != nil || !there { // it may be there soon
			return end, err
		}
		if whole {
			s.skip(s.searched - s.off)
			return again, nil
		}
	}
	if n < headBytes {
		return end, nil
	}
	s.searched = from + int64(n-headBytes+1)
	return again, nil
}

// recordAt says whether a good record with so many bytes of data stands at off,
// and whether all of it is there.
func (s *scanner) recordAt(off int64, length int) (whole, there bool, err error) {
	data := make([]byte, length+tailBytes)
	if n, err := s.from.ReadAt(data, off+headBytes); n < len(data) {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return false, false, err
	}
	return good(data[:length], data[length:]), true, nil
}
