package artifact

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// DefaultCacheBytes is the size that a cache does not grow beyond.
const DefaultCacheBytes = 10 << 30

// A Cache keeps files by their content, laid out as the official clients do, who
// may share it. Nothing in it is believed: what comes out is hashed again.
type Cache struct {
	Dir      string // <user cache folder>/wandb/artifacts
	MaxBytes int64  // DefaultCacheBytes when 0

	// Link makes downloaded files read-only hard links to those in the cache, so
	// that no second copy takes space. Without it they are copies, which share
	// their blocks on file systems that can do that: a program that writes into
	// a downloaded file, or runs as root, would else change all others.
	Link bool

	mu   sync.Mutex
	room int64 // what may be added
}

// object is where the file with a sum lies.
func (c *Cache) object(sum [SumBytes]byte) string {
	name := hexSum(sum[:])
	return filepath.Join(c.Dir, "obj", "md5", name[:2], name[2:])
}

// open opens the file with a sum and a size for reading, nil when there is none.
func (c *Cache) open(sum [SumBytes]byte, size int64) *os.File {
	if c == nil {
		return nil
	}
	f, err := openRegular(c.object(sum))
	if err != nil {
		return nil
	}
	info, err := f.Stat()
	if err != nil || size >= 0 && info.Size() != size {
		f.Close()
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(f.Name(), now, now) // used last; another user's cache still serves
	return f
}

// drop removes a file whose content is not what its name says.
func (c *Cache) drop(sum [SumBytes]byte) { _ = os.Remove(c.object(sum)) }

// add keeps the content of a file, which has been verified. make puts it under
// the temporary name that it is given. A cache that cannot be written to costs
// time and nothing else, so there is no error.
func (c *Cache) add(sum [SumBytes]byte, size int64, put func(temp string) error) {
	if c == nil || !c.take(size) {
		return
	}
	to := c.object(sum)
	temp := filepath.Join(c.Dir, "tmp", rand.Text())
	err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.MkdirAll(filepath.Dir(temp), 0o700))
	if err == nil {
		err = put(temp)
	}
	if err == nil {
		err = os.Rename(temp, to)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
}

// take books size bytes of the room that reserve made.
func (c *Cache) take(size int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size > c.room {
		return false
	}
	c.room -= size
	return true
}

// copyTo writes a copy of f to a new file.
func copyTo(f *os.File, temp string) error {
	out, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) // as the official clients do, who copy the mode along
	if err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	if err == nil {
		_, err = io.Copy(out, f)
	}
	return errors.Join(err, out.Close())
}

// A cached is a file in a cache.
type cached struct {
	name string
	size int64
	used time.Time
}

// reserve makes room for want bytes, or as many as the bound allows: the files
// that were not used for the longest time go. A cache that others filled above
// the bound is not emptied for that, but it does not grow. One that cannot be
// read has no room.
func (c *Cache) reserve(want int64) {
	if c == nil {
		return
	}
	bound := c.MaxBytes
	if bound <= 0 {
		bound = DefaultCacheBytes
	}
	files, total, err := c.scan()
	if err != nil {
		return
	}
	want = min(want, bound)
	bound = max(bound, total)
	for _, f := range files {
		if total+want <= bound {
			break
		}
		if os.Remove(f.name) == nil {
			total -= f.size
		}
	}
	c.mu.Lock()
	c.room = min(want, max(bound-total, 0))
	c.mu.Unlock()
}

// scan lists the files that take space, longest unused first. Those that are
// also linked elsewhere take none of their own.
func (c *Cache) scan() (files []cached, total int64, err error) {
	err = filepath.WalkDir(filepath.Join(c.Dir, "obj"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err != nil || linkCount(info) > 1 {
			return ignoreMissing(err)
		}
		files = append(files, cached{name, info.Size(), info.ModTime()})
		total += info.Size()
		return nil
	})
	slices.SortFunc(files, func(a, b cached) int { return a.used.Compare(b.used) })
	return files, total, err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
