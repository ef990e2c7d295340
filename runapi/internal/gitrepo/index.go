package gitrepo

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"
)

// An Entry is a tracked file.
type Entry struct {
	Path string // below the working tree, with slashes
	Mode uint32 // of git
	ID   string // hex, of the content that is staged

	size   uint32    // of the file when git looked last, in its lower 32 bits
	mod    time.Time // likewise
	staged bool      // the entry is about a file: no conflict, no mere intent
	absent bool      // the file is not meant to be in the working tree
}

// ReadIndex reads an index file. ids are SHA-1 unless the repository says
// otherwise: hashBytes is 20 or 32.
func ReadIndex(path string, hashBytes int) ([]Entry, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Size() > maxIndex {
		return nil, fmt.Errorf("read %s: %d bytes: %w", path, st.Size(), ErrTooLarge)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	entries, err := parseIndex(data, hashBytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return entries, nil
}

// Parts of an entry.
const (
	statBytes    = 40
	flagExtended = 0x4000
	flagStage    = 0x3000
	flagSkip     = 0x4000 // of the extended flags: sparse checkout
	flagIntent   = 0x2000 // likewise: git add -N
)

// parseIndex reads versions 2, 3 and 4. Extensions behind the entries are not
// needed.
func parseIndex(data []byte, hashBytes int) ([]Entry, error) {
	if len(data) < 12 || string(data[:4]) != "DIRC" {
		return nil, fmt.Errorf("%w: no index", ErrFormat)
	}
	version, count := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	if version < 2 || version > 4 {
		return nil, fmt.Errorf("%w: index version %d", ErrFormat, version)
	}
	if count > maxEntries {
		return nil, fmt.Errorf("index of %d entries: %w", count, ErrTooLarge)
	}
	p := indexParser{rest: data[12:], version: version, hashBytes: hashBytes}
	entries := make([]Entry, 0, min(int(count), len(data)/(statBytes+hashBytes)))
	for range count {
		e, err := p.next()
		if err != nil {
			return nil, err
		}
		if e.staged {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

type indexParser struct {
	rest      []byte
	version   uint32
	hashBytes int
	last      string // path before, of which version 4 keeps the beginning
}

func (p *indexParser) next() (Entry, error) {
	fixed := statBytes + p.hashBytes + 2
	if len(p.rest) < fixed {
		return Entry{}, fmt.Errorf("%w: the index is cut off", ErrFormat)
	}
	b := p.rest
	flags := binary.BigEndian.Uint16(b[statBytes+p.hashBytes:])
	e := Entry{
		Mode:   binary.BigEndian.Uint32(b[24:]),
		ID:     hex.EncodeToString(b[statBytes : statBytes+p.hashBytes]),
		size:   binary.BigEndian.Uint32(b[36:]),
		mod:    time.Unix(int64(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint32(b[12:]))),
		staged: flags&flagStage == 0,
	}
	n := fixed
	if flags&flagExtended != 0 {
		if p.version < 3 || len(b) < n+2 {
			return Entry{}, fmt.Errorf("%w: an index entry with more flags", ErrFormat)
		}
		more := binary.BigEndian.Uint16(b[n:])
		e.absent, e.staged = more&flagSkip != 0, e.staged && more&flagIntent == 0
		n += 2
	}
	var err error
	e.Path, n, err = p.path(b, n)
	if err != nil {
		return Entry{}, err
	}
	p.rest = b[n:]
	return e, checkPath(e.Path)
}

// path reads the path at n and returns where the next entry begins.
func (p *indexParser) path(b []byte, n int) (string, int, error) {
	if p.version < 4 {
		end := bytes.IndexByte(b[n:], 0)
		if end < 0 {
			return "", 0, fmt.Errorf("%w: a path without an end", ErrFormat)
		}
		next := (n+end)/8*8 + 8 // at least one zero byte, up to a multiple of 8
		if next > len(b) {
			return "", 0, fmt.Errorf("%w: the index is cut off", ErrFormat)
		}
		return string(b[n : n+end]), next, nil
	}
	drop, used := offsetVarint(b[n:])
	if used == 0 || drop > uint64(len(p.last)) {
		return "", 0, fmt.Errorf("%w: a path that continues none", ErrFormat)
	}
	n += used
	end := bytes.IndexByte(b[n:], 0)
	if end < 0 {
		return "", 0, fmt.Errorf("%w: a path without an end", ErrFormat)
	}
	p.last = p.last[:len(p.last)-int(drop)] + string(b[n:n+end])
	return p.last, n + end + 1, nil
}

// offsetVarint is the number form of packs and of index version 4; used is 0 when
// there is none.
func offsetVarint(b []byte) (v uint64, used int) {
	for i, c := range b {
		if i > 8 {
			return 0, 0
		}
		if i > 0 {
			v = (v + 1) << 7
		}
		v |= uint64(c & 0x7f)
		if c&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

// checkPath refuses what git itself would not check out.
func checkPath(path string) error {
	bad := path == "" || strings.ContainsRune(path, 0) || len(path) > 4096
	for part := range strings.SplitSeq(path, "/") {
		bad = bad || part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git")
	}
	if bad {
		return fmt.Errorf("%w: path %.80q", ErrFormat, path)
	}
	return nil
}
