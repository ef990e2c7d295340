package gitrepo

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// kind is the type of an object; the numbers are those of packs.
type kind uint8

const (
	kindCommit   kind = 1
	kindTree     kind = 2
	kindBlob     kind = 3
	kindTag      kind = 4
	kindOfsDelta kind = 6
	kindRefDelta kind = 7
)

var kinds = map[string]kind{"commit": kindCommit, "tree": kindTree, "blob": kindBlob, "tag": kindTag}

// object returns the content of the object id, at most limit bytes.
func (r *Repo) object(id string, limit int64) (kind, []byte, error) {
	return r.objectAt(id, limit, 0)
}

func (r *Repo) objectAt(id string, limit int64, depth int) (kind, []byte, error) {
	if len(id) != 2*r.hashBytes || strings.Trim(id, "0123456789abcdef") != "" {
		return 0, nil, fmt.Errorf("%w: object %.70q", ErrFormat, id)
	}
	for _, dir := range r.objectDirs() {
		f, err := os.Open(filepath.Join(dir, id[:2], id[2:]))
		if err != nil {
			continue
		}
		defer f.Close()
		return readLoose(f, limit)
	}
	raw, err := hex.DecodeString(id)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: object %q", ErrFormat, id)
	}
	packs, err := r.openPacks()
	if err != nil {
		return 0, nil, err
	}
	for _, p := range packs {
		at, ok, err := p.find(raw)
		if err != nil {
			return 0, nil, err
		}
		if ok {
			return r.packed(p, at, limit, depth)
		}
	}
	return 0, nil, fmt.Errorf("%w: %s", ErrNoObject, id)
}

// readLoose reads an object that is a file of its own.
func readLoose(r io.Reader, limit int64) (kind, []byte, error) {
	z, err := zlib.NewReader(r)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	defer z.Close()
	data, err := readLimited(z, limit+32)
	if err != nil {
		return 0, nil, err
	}
	head, body, ok := bytes.Cut(data, []byte{0})
	name, size, found := strings.Cut(string(head), " ")
	n, err := strconv.ParseInt(size, 10, 64)
	if !ok || !found || err != nil || kinds[name] == 0 || n != int64(len(body)) {
		return 0, nil, fmt.Errorf("%w: the head of an object", ErrFormat)
	}
	return kinds[name], body, nil
}

// readLimited reads all of r, or fails with ErrTooLarge.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if int64(len(data)) > limit {
		return nil, ErrTooLarge
	}
	return data, nil
}

// packed reads the object at an offset of a pack.
func (r *Repo) packed(p *pack, at, limit int64, depth int) (kind, []byte, error) {
	if depth > maxDeltas {
		return 0, nil, fmt.Errorf("%w: more than %d deltas in a row", ErrFormat, maxDeltas)
	}
	k, size, head, err := p.head(at)
	if err != nil {
		return 0, nil, err
	}
	if size > limit {
		return 0, nil, ErrTooLarge
	}
	body := at + head
	if k != kindOfsDelta && k != kindRefDelta {
		data, err := p.inflate(body, size)
		return k, data, err
	}
	var base []byte
	var baseKind kind
	if k == kindOfsDelta {
		back, used, bad := p.back(body)
		if bad != nil || back <= 0 || back >= at {
			return 0, nil, fmt.Errorf("%w: a delta of nothing", ErrFormat)
		}
		body += used
		baseKind, base, err = r.packed(p, at-back, maxTree, depth+1)
	} else {
		id := make([]byte, r.hashBytes)
		if _, err := p.data.ReadAt(id, body); err != nil {
			return 0, nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		body += int64(r.hashBytes)
		baseKind, base, err = r.objectAt(hex.EncodeToString(id), maxTree, depth+1)
	}
	if err != nil {
		return 0, nil, err
	}
	delta, err := p.inflate(body, size)
	if err != nil {
		return 0, nil, err
	}
	data, err := applyDelta(base, delta, limit)
	return baseKind, data, err
}

// applyDelta makes an object of another one and a delta.
func applyDelta(base, delta []byte, limit int64) ([]byte, error) {
	bad := fmt.Errorf("%w: a delta that does not fit", ErrFormat)
	from, delta, ok := littleVarint(delta)
	if !ok || from != uint64(len(base)) {
		return nil, bad
	}
	size, delta, ok := littleVarint(delta)
	if !ok {
		return nil, bad
	}
	if size > uint64(limit) {
		return nil, ErrTooLarge
	}
	out := make([]byte, 0, size)
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		if op&0x80 == 0 { // new bytes
			if op == 0 || int(op) > len(delta) {
				return nil, bad
			}
			out = append(out, delta[:op]...)
			delta = delta[op:]
		} else { // bytes of base
			var offset, n uint32
			for i := range 7 {
				if op>>i&1 == 0 {
					continue
				}
				if len(delta) == 0 {
					return nil, bad
				}
				if i < 4 {
					offset |= uint32(delta[0]) << (8 * i)
				} else {
					n |= uint32(delta[0]) << (8 * (i - 4))
				}
				delta = delta[1:]
			}
			if n == 0 {
				n = 0x10000
			}
			if uint64(offset)+uint64(n) > uint64(len(base)) {
				return nil, bad
			}
			out = append(out, base[offset:offset+n]...)
		}
		if uint64(len(out)) > size {
			return nil, bad
		}
	}
	if uint64(len(out)) != size {
		return nil, bad
	}
	return out, nil
}

// littleVarint reads a size, its low bits first.
func littleVarint(b []byte) (v uint64, rest []byte, ok bool) {
	for i, c := range b {
		if i > 8 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c&0x80 == 0 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}
