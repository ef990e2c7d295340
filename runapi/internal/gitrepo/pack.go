package gitrepo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// pack is a file of objects, with the index that says where they are.
type pack struct {
	index, data readerAt
	count       int64
	hashBytes   int64
}

type readerAt interface {
	io.ReaderAt
	io.Closer
}

// fanout is where the table of an index of version 2 begins, names where its
// object ids do.
const (
	fanout = 8
	names  = fanout + 256*4
)

// openPacks opens the packs of the repository once.
func (r *Repo) openPacks() ([]*pack, error) {
	if r.packsOpen {
		return r.packs, nil
	}
	r.packsOpen = true
	for _, dir := range r.objectDirs() {
		list, err := filepath.Glob(filepath.Join(quoteGlob(dir), "pack", "pack-*.idx"))
		if err != nil {
			return nil, err
		}
		for _, idx := range list {
			p, err := openPack(idx, int64(r.hashBytes))
			if err != nil {
				return nil, fmt.Errorf("open %s: %w", idx, err)
			}
			r.packs = append(r.packs, p)
		}
	}
	return r.packs, nil
}

func quoteGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func openPack(idx string, hashBytes int64) (*pack, error) {
	index, err := os.Open(idx)
	if err != nil {
		return nil, err
	}
	data, err := os.Open(strings.TrimSuffix(idx, ".idx") + ".pack")
	if err != nil {
		index.Close()
		return nil, err
	}
	p := &pack{index: index, data: data, hashBytes: hashBytes}
	if err := p.check(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// check reads the head of the index.
func (p *pack) check() error {
	var head [fanout]byte
	if _, err := p.index.ReadAt(head[:], 0); err != nil || string(head[:4]) != "\xfftOc" || binary.BigEndian.Uint32(head[4:]) != 2 {
		return fmt.Errorf("%w: no pack index of version 2", ErrFormat)
	}
	n, err := p.uint32At(fanout + 255*4)
	p.count = int64(n)
	return err
}

func (p *pack) close() { p.index.Close(); p.data.Close() }

func (p *pack) uint32At(at int64) (uint32, error) {
	var b [4]byte
	if _, err := p.index.ReadAt(b[:], at); err != nil {
		return 0, fmt.Errorf("%w: the index is cut off", ErrFormat)
	}
	return binary.BigEndian.Uint32(b[:]), nil
}

// find returns where in the pack an object is.
func (p *pack) find(id []byte) (at int64, ok bool, err error) {
	low, high := uint32(0), uint32(0)
	if id[0] > 0 {
		if low, err = p.uint32At(fanout + int64(id[0]-1)*4); err != nil {
			return 0, false, err
		}
	}
	if high, err = p.uint32At(fanout + int64(id[0])*4); err != nil {
		return 0, false, err
	}
	if high < low || int64(high) > p.count {
		return 0, false, fmt.Errorf("%w: a pack index out of order", ErrFormat)
	}
	name := make([]byte, p.hashBytes)
	n := int(low) + sort.Search(int(high-low), func(i int) bool {
		_, bad := p.index.ReadAt(name, names+(int64(low)+int64(i))*p.hashBytes)
		if bad != nil {
			err = fmt.Errorf("%w: %w", ErrFormat, bad)
		}
		return bytes.Compare(name, id) >= 0
	})
	if err != nil || n >= int(high) {
		return 0, false, err
	}
	if _, err := p.index.ReadAt(name, names+int64(n)*p.hashBytes); err != nil || !bytes.Equal(name, id) {
		return 0, false, nil
	}
	at, err = p.offset(int64(n))
	return at, err == nil, err
}

// offset returns where in the pack the object with number n is.
func (p *pack) offset(n int64) (int64, error) {
	small := names + p.count*(p.hashBytes+4)
	v, err := p.uint32At(small + n*4)
	if err != nil || v&(1<<31) == 0 {
		return int64(v), err
	}
	var b [8]byte
	if _, err := p.index.ReadAt(b[:], small+p.count*4+int64(v&^(1<<31))*8); err != nil {
		return 0, fmt.Errorf("%w: the index is cut off", ErrFormat)
	}
	at := binary.BigEndian.Uint64(b[:])
	if at > math.MaxInt64 {
		return 0, fmt.Errorf("%w: a place behind the pack", ErrFormat)
	}
	return int64(at), nil
}

// head reads kind and size of the object at an offset, and how long that is.
func (p *pack) head(at int64) (k kind, size, length int64, err error) {
	var b [10]byte
	n, err := p.data.ReadAt(b[:], at)
	if n == 0 {
		return 0, 0, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	k, size = kind(b[0]>>4&7), int64(b[0]&15)
	for i, c := 1, b[0]; ; i++ {
		if c&0x80 == 0 {
			return k, size, int64(i), nil
		}
		if i >= n || i > 8 {
			return 0, 0, 0, fmt.Errorf("%w: the head of an object", ErrFormat)
		}
		c = b[i]
		size |= int64(c&0x7f) << (4 + 7*(i-1))
		if size < 0 {
			return 0, 0, 0, fmt.Errorf("%w: the size of an object", ErrFormat)
		}
	}
}

// back reads how far before itself the base of a delta is.
func (p *pack) back(at int64) (back, used int64, err error) {
	var b [10]byte
	n, err := p.data.ReadAt(b[:], at)
	if n == 0 {
		return 0, 0, err
	}
	v, length := offsetVarint(b[:n])
	if length == 0 || v > math.MaxInt64 {
		return 0, 0, ErrFormat
	}
	return int64(v), int64(length), nil
}

// inflate reads size bytes that are compressed from an offset on.
func (p *pack) inflate(at, size int64) ([]byte, error) {
	z, err := zlib.NewReader(io.NewSectionReader(p.data, at, math.MaxInt64-at))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	defer z.Close()
	data, err := readLimited(z, size)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != size {
		return nil, fmt.Errorf("%w: an object is cut off", ErrFormat)
	}
	return data, nil
}
