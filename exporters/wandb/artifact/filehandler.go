package artifact

import (
	"context"
	"crypto/md5"
	"fmt"
	"hash"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Files handles file:// references: to a file, or to all files below a folder.
type Files struct{}

var _ Handler = Files{}

// Schemes returns file.
func (Files) Schemes() []string { return []string{"file"} }

// Describe returns the files that uri stands for. Their digest is that of their
// content, or of their path without checksum.
func (Files) Describe(ctx context.Context, uri string, o DescribeOptions) ([]Entry, error) {
	name, err := localPath(uri)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	if !info.IsDir() {
		to := o.Name
		if to == "" {
			to = filepath.Base(name)
		}
		e, err := describeFile(name, to, uri, o.NoChecksum)
		return []Entry{e}, err
	}
	var list []Entry
	err = Walk(ctx, name, false, func(rel, file string) error {
		if len(list) >= o.Limit() {
			return o.TooMany(uri)
		}
		e, err := describeFile(file, path.Join(o.Name, rel), strings.TrimSuffix(uri, "/")+"/"+rel, o.NoChecksum)
		list = append(list, e)
		return err
	})
	return list, err
}

func describeFile(name, to, uri string, noChecksum bool) (Entry, error) {
	e := Entry{Path: to, Ref: uri}
	if noChecksum {
		info, err := os.Stat(name)
		if err := mustBeRegular(info, err); err != nil {
			return e, fmt.Errorf("reference: %w", err)
		}
		e.Digest, e.Size = pathSum(name), info.Size()
		return e, nil
	}
	var err error
	e.Digest, e.Size, err = SumFile(name)
	return e, err
}

// pathSum is the digest of a file that is known by its place only: that of the
// URI of the place, links followed.
func pathSum(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	uri := []byte("file://")
	for _, c := range []byte(name) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_.~-/", c) >= 0 {
			uri = append(uri, c)
		} else {
			uri = fmt.Appendf(uri, "%%%02X", c)
		}
	}
	sum := md5.Sum(uri)
	return FormatSum(sum[:])
}

// localPath reads file:///path and file://localhost/path. Official writers do
// not escape paths, so what is no valid escape is taken as it is.
func localPath(uri string) (string, error) {
	text, found := strings.CutPrefix(uri, "file://")
	if !found {
		return "", fmt.Errorf("reference %s: want file:///path", Masked(uri))
	}
	text = strings.TrimPrefix(text, "localhost")
	if _, err := os.Lstat(text); err != nil {
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
	}
	if !filepath.IsAbs(text) || strings.ContainsRune(text, 0) {
		return "", fmt.Errorf("reference %s: want an absolute path after file://", Masked(uri))
	}
	return filepath.Clean(text), nil
}

// Open reads the file of e, and fails at its end when the content is not what
// it was. Entries without checksum are not compared.
func (Files) Open(_ context.Context, e Entry) (io.ReadCloser, error) {
	name, err := localPath(e.Ref)
	if err != nil {
		return nil, err
	}
	f, err := openRegular(name)
	if err != nil {
		return nil, fmt.Errorf("reference %s: %w", e.Path, err)
	}
	if e.Digest == pathSum(name) {
		return f, nil
	}
	return &summed{f, md5.New(), e}, nil
}

// summed gives the content of a file, and an error instead of its end when that
// is not what the entry says.
type summed struct {
	io.ReadCloser
	hash  hash.Hash
	entry Entry
}

func (s *summed) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b)
	_, _ = s.hash.Write(b[:n])
	if err == io.EOF && FormatSum(s.hash.Sum(nil)) != s.entry.Digest {
		err = fmt.Errorf("reference %s: %s %w", s.entry.Path, s.entry.Ref, ErrChanged)
	}
	return n, err
}
