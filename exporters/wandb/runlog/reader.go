package runlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// ErrFormat means that a file is not a .wandb log, or has a version that this
// reader does not know.
var ErrFormat = errors.New("not a .wandb log of version 0")

// Damage counts what a [Reader] could not read. All zero: the log is whole.
type Damage struct {
	BadChunks  int64 // checksum or length wrong: their records are lost
	LostBytes  int64 // skipped because of that
	Unreadable int64 // records whose framing is right but whose content is no record
	TornBytes  int64 // at the end, from the start of a record that is not all there
}

// Any says whether something was lost.
func (d Damage) Any() bool { return d != Damage{} }

func (d *Damage) add(o Damage) {
	d.BadChunks += o.BadChunks
	d.LostBytes += o.LostBytes
	d.Unreadable += o.Unreadable
	d.TornBytes += o.TornBytes
}

// Reader gives the records of one log in file order. It goes on behind damage
// at the next chunk with a right checksum that begins a record. It holds one
// block and one record in memory.
type Reader struct {
	src     io.Reader
	block   [blockSize]byte
	n       int   // bytes in block
	i       int   // of these, read
	base    int64 // file offset of block[0]
	started bool
	limit   int // bytes of a record

	record  []byte // the record being joined from chunks
	joining bool
	start   int64 // file offset of its first chunk
	end     int64 // file offset after the last whole record
	damage  Damage
}

// NewReader reads a log from its first byte.
func NewReader(r io.Reader) *Reader { return &Reader{src: r, limit: maxRecord} }

// Damage says what was lost so far.
func (r *Reader) Damage() Damage { return r.damage }

// End is the file offset after the last whole record: where the next record
// of this log belongs.
func (r *Reader) End() int64 { return r.end }

// Next returns the next whole record, which is the caller's to keep. The end
// is io.EOF, also where the log is torn or ends in the middle of the header;
// Damage tells the difference. Other errors are ErrFormat or those of the
// underlying reader.
func (r *Reader) Next() (*wandbpb.Record, error) {
	for {
		payload, err := r.payload()
		if err != nil {
			return nil, err
		}
		rec := new(wandbpb.Record)
		if proto.Unmarshal(payload, rec) == nil {
			return rec, nil
		}
		r.damage.Unreadable++
	}
}

// payload joins the chunks of the next record. The bytes are valid until the
// next call.
func (r *Reader) payload() ([]byte, error) {
	if !r.started {
		if err := r.header(); err != nil {
			return nil, err
		}
	}
	for {
		at := r.base + int64(r.i)
		kind, data, err := r.chunk()
		if err != nil {
			return nil, r.torn(err)
		}
		switch kind {
		case chunkFull, chunkFirst:
			r.drop(at)
			r.record, r.joining, r.start = append(r.record[:0], data...), true, at
		case chunkMiddle, chunkLast:
			if !r.joining { // the rest of a record whose beginning is lost
				r.damage.LostBytes += int64(chunkHeader + len(data))
				continue
			}
			r.record = append(r.record, data...)
		default: // damage
			r.drop(at)
			continue
		}
		if len(r.record) > r.limit {
			r.damage.BadChunks++
			r.drop(r.base + int64(r.i))
			continue
		}
		if kind == chunkFull || kind == chunkLast {
			r.joining, r.end = false, r.base+int64(r.i)
			return r.record, nil
		}
	}
}

// drop forgets the record being joined; the file goes on at offset at.
func (r *Reader) drop(at int64) {
	if r.joining {
		r.joining = false
		r.damage.LostBytes += at - r.start
	}
}

// torn turns the end of the data into io.EOF and counts a record cut off.
func (r *Reader) torn(err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	size := r.base + int64(r.n)
	switch {
	case r.joining:
		r.damage.TornBytes += size - r.start
	case r.i < r.n:
		r.damage.TornBytes += int64(r.n - r.i)
	}
	r.joining, r.i = false, r.n
	return io.EOF
}

func (r *Reader) header() error {
	if err := r.fill(); err != nil {
		return err
	}
	r.started = true
	if short := min(r.n, len(fileHeader)); string(r.block[:short]) != fileHeader[:short] {
		return fmt.Errorf("read run log: %w: it begins with %q", ErrFormat, r.block[:short])
	} else if short < len(fileHeader) {
		return nil // torn: the chunk reader finds less than a chunk
	}
	r.i, r.end = len(fileHeader), int64(len(fileHeader))
	return nil
}

// fill loads the next block; io.EOF if there is nothing more.
func (r *Reader) fill() error {
	if r.started && r.n < blockSize {
		return io.EOF
	}
	n, err := io.ReadFull(r.src, r.block[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err // io.EOF included
	}
	r.base, r.n, r.i = r.base+int64(r.n), n, 0
	return nil
}

// chunk reads the next chunk. Type 0 stands for damage that was counted and
// skipped.
func (r *Reader) chunk() (kind byte, data []byte, err error) {
	for r.n-r.i < chunkHeader {
		if r.n < blockSize {
			return 0, nil, io.EOF
		}
		if err := r.fill(); err != nil {
			return 0, nil, err
		}
	}
	kind, data, state := parseChunk(r.block[r.i:r.n])
	switch {
	case state == chunkGood:
		r.i += chunkHeader + len(data)
		return kind, data, nil
	case state == chunkShort && r.n < blockSize && r.nextStart() < 0:
		return 0, nil, io.EOF
	}
	r.skip(data)
	return 0, nil, nil
}

const (
	chunkGood  = iota
	chunkBad   // data is as long as the header says
	chunkShort // the header says more than there is
)

func parseChunk(b []byte) (kind byte, data []byte, state int) {
	size := int(binary.LittleEndian.Uint16(b[4:]))
	kind = b[6]
	if chunkHeader+size > len(b) {
		return kind, nil, chunkShort
	}
	data = b[chunkHeader : chunkHeader+size]
	if kind < chunkFull || kind > chunkLast || binary.LittleEndian.Uint32(b) != chunkSum(kind, data) {
		return kind, data, chunkBad
	}
	return kind, data, chunkGood
}

// skip goes behind a damaged chunk: to where its length points if a good chunk
// is there, else to the next good chunk that begins a record, else to the next
// block.
func (r *Reader) skip(data []byte) {
	from := r.i
	next := from + chunkHeader + len(data)
	if len(data) == 0 || !goodAt(r.block[next:r.n]) && next != r.n {
		next = r.nextStart()
	}
	if r.i = next; next < 0 {
		r.i = r.n
	}
	r.damage.LostBytes += int64(r.i - from)
	if !allZero(r.block[from:r.i]) { // a zeroed block is room never written
		r.damage.BadChunks++
	}
}

func goodAt(b []byte) bool {
	if len(b) < chunkHeader {
		return false
	}
	_, _, state := parseChunk(b)
	return state == chunkGood
}

// searchBytes bounds what a search in one block may spend on checksums, so
// that a hostile file cannot make reading slow.
const searchBytes = 1 << 20

// nextStart looks in the block for a chunk that begins a record, behind the
// damaged one at hand; -1 if there is none.
func (r *Reader) nextStart() int {
	budget := searchBytes
	for i := r.i + 1; i+chunkHeader <= r.n && budget > 0; i++ {
		kind := r.block[i+6]
		if kind != chunkFull && kind != chunkFirst {
			continue
		}
		if size := int(binary.LittleEndian.Uint16(r.block[i+4:])); size > 0 && i+chunkHeader+size <= r.n {
			budget -= size
			if goodAt(r.block[i:r.n]) {
				return i
			}
		}
	}
	return -1
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
