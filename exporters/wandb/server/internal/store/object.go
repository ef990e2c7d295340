package store

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func mkdir(dir string) error { return os.MkdirAll(dir, 0o700) }

// safeName makes a file name of an id in base64.
func safeName(id string) string { return strings.NewReplacer("/", "_", "+", "-", "=", "").Replace(id) }

// HexDigest turns a base64 MD5 into hex.
func HexDigest(b64 string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || len(raw) != md5.Size {
		return "", fmt.Errorf("digest %q is no base64 MD5", b64)
	}
	return hex.EncodeToString(raw), nil
}

func (s *Store) objectPath(md5hex string) string {
	return filepath.Join(s.dir, "objects", md5hex[:2], md5hex[2:])
}

// HasObject says whether content with an MD5 is stored.
func (s *Store) HasObject(md5hex string) bool {
	_, err := os.Stat(s.objectPath(md5hex))
	return len(md5hex) == 2*md5.Size && err == nil
}

// OpenObject opens stored content.
func (s *Store) OpenObject(md5hex string) (*os.File, error) {
	if len(md5hex) != 2*md5.Size {
		return nil, os.ErrNotExist
	}
	return os.Open(s.objectPath(md5hex))
}

// ErrDigest means that content is not what was announced.
var ErrDigest = errors.New("content has another digest than announced")

// PutObject stores content that must have the given MD5.
func (s *Store) PutObject(md5hex string, body io.Reader) error {
	path := s.objectPath(md5hex)
	if err := mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	sum, temp, err := s.receive(body)
	if err != nil {
		return err
	}
	if sum != md5hex {
		os.Remove(temp)
		return fmt.Errorf("%w: %s, announced %s", ErrDigest, sum, md5hex)
	}
	return os.Rename(temp, path)
}

// receive writes content to a temporary file and returns its MD5.
func (s *Store) receive(body io.Reader) (sum, path string, err error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, "objects"), ".in-")
	if err != nil {
		return "", "", err
	}
	h := md5.New()
	_, err = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(f, h)}, struct{ io.Reader }{body}, make([]byte, 1<<20))
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", "", err
	}
	return hex.EncodeToString(h.Sum(nil)), f.Name(), nil
}

// PutPart stores one part of a multipart upload.
func (s *Store) PutPart(upload string, part int, body io.Reader) (sum string, err error) {
	dir := filepath.Join(s.dir, "parts", upload)
	if err := errors.Join(CheckName(upload), mkdir(dir)); err != nil {
		return "", err
	}
	sum, temp, err := s.receive(body)
	if err != nil {
		return "", err
	}
	return sum, os.Rename(temp, filepath.Join(dir, fmt.Sprintf("%05d-%s", part, sum)))
}

// JoinParts makes an object of the parts, whose MD5s are given in order.
func (s *Store) JoinParts(upload, md5hex string, sums []string) error {
	dir := filepath.Join(s.dir, "parts", upload)
	var readers []io.Reader
	for i, sum := range sums {
		f, err := os.Open(filepath.Join(dir, fmt.Sprintf("%05d-%s", i+1, sum)))
		if err != nil {
			return fmt.Errorf("part %d was not uploaded with MD5 %s", i+1, sum)
		}
		defer f.Close()
		readers = append(readers, f)
	}
	if err := s.PutObject(md5hex, io.MultiReader(readers...)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// runFile is where a file of a run lies. Its directory is made.
func (r *Run) runFile(name string) (string, error) {
	if !filepath.IsLocal(name) || strings.ContainsAny(name, "\\\x00") {
		return "", fmt.Errorf("%w: %.200q", ErrName, name)
	}
	path := filepath.Join(r.dir, "files", filepath.FromSlash(name))
	return path, mkdir(filepath.Dir(path))
}

// CheckFile says whether a run file may have a name.
func (r *Run) CheckFile(name string) error {
	_, err := r.runFile(name)
	return err
}

// PutFile stores a run file.
func (r *Run) PutFile(name string, body io.Reader) error {
	path, err := r.runFile(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(r.dir, ".in-")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return err
	}
	return os.Rename(f.Name(), path)
}

// File is a file of a run.
type File struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	MD5  string `json:"md5"` // hex
}

// Files lists the files of the run, sorted by name.
func (r *Run) Files() ([]File, error) {
	root := filepath.Join(r.dir, "files")
	out := []File{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		h := md5.New()
		n, err := io.Copy(h, f)
		name, _ := filepath.Rel(root, path)
		out = append(out, File{filepath.ToSlash(name), n, hex.EncodeToString(h.Sum(nil))})
		return err
	})
	return out, err
}

// OpenFile opens a file of the run.
func (r *Run) OpenFile(name string) (*os.File, error) {
	path, err := r.runFile(name)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// ObjectSize is the length of stored content; false if there is none.
func (s *Store) ObjectSize(md5hex string) (int64, bool) {
	if len(md5hex) != 2*md5.Size {
		return 0, false
	}
	st, err := os.Stat(s.objectPath(md5hex))
	if err != nil {
		return 0, false
	}
	return st.Size(), true
}
