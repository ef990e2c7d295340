package artifact

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// SumBytes is the length of the sums that entries of files carry.
const SumBytes = md5.Size

// copyBytes is how much is read of a file at once.
const copyBytes = 256 << 10

// FormatSum writes an MD5 sum as entry digests do: base64 with padding.
func FormatSum(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }

// ParseSum reads an entry digest that is an MD5 sum. Digests of references are
// often none.
func ParseSum(digest string) (sum [SumBytes]byte, err error) {
	b, err := base64.StdEncoding.Strict().DecodeString(digest)
	if err != nil || len(b) != SumBytes {
		return sum, fmt.Errorf("digest %.40q: no base64 of %d bytes", digest, SumBytes)
	}
	return [SumBytes]byte(b), nil
}

// hexSum writes a sum as cache paths, URLs and part lists do.
func hexSum(sum []byte) string { return hex.EncodeToString(sum) }

// SumReader returns the digest and the length of what r gives.
func SumReader(r io.Reader) (digest string, size int64, err error) {
	h := md5.New()
	size, err = io.CopyBuffer(h, struct{ io.Reader }{r}, make([]byte, copyBytes))
	if err != nil {
		return "", size, err
	}
	return FormatSum(h.Sum(nil)), size, nil
}

// SumFile returns the digest and the length of a regular file. Anything else (a
// folder, a FIFO, a device) is an error and is not opened.
func SumFile(name string) (digest string, size int64, err error) {
	f, err := openRegular(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	digest, size, err = SumReader(f)
	if err != nil {
		return "", size, fmt.Errorf("hash %s: %w", name, err)
	}
	return digest, size, nil
}

// openRegular opens a regular file, or what a link leads to, for reading. It
// asks first: opening a FIFO waits for a writer.
func openRegular(name string) (*os.File, error) {
	if err := mustBeRegular(os.Stat(name)); err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if err := mustBeRegular(f.Stat()); err != nil { // it may have been exchanged
		f.Close()
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return f, nil
}

func mustBeRegular(info os.FileInfo, err error) error {
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: it is a %s", ErrNotRegular, kind(info.Mode()))
	}
	return err
}

// kind names what a file is that is no regular file.
func kind(m os.FileMode) string {
	switch {
	case m.IsDir():
		return "folder"
	case m&os.ModeNamedPipe != 0:
		return "named pipe"
	case m&os.ModeSocket != 0:
		return "socket"
	case m&os.ModeSymlink != 0:
		return "symbolic link"
	}
	return "device"
}
