package runlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// fileMerge brings the files of other writers into the main directory.
type fileMerge struct {
	main   *Dir
	report *JoinReport
}

// take puts the files that a record names beside those of the main writer and
// makes the record name them. One that cannot be found is counted and left out.
func (f *fileMerge) take(m *member, rec *wandbpb.FilesRecord) error {
	var kept []*wandbpb.FilesItem
	for _, item := range rec.GetFiles() {
		to, err := f.place(m, item.GetPath())
		if errors.Is(err, fs.ErrNotExist) || err == nil && to == "" {
			f.report.Missing++
			continue
		}
		if err != nil {
			return err
		}
		item.Path = to
		kept = append(kept, item)
	}
	rec.Files = kept
	return nil
}

// place links or copies one file and returns the name that it has now; ""
// for what is no file below the files directory.
func (f *fileMerge) place(m *member, name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", nil
	}
	from := filepath.Join(m.dir.FilesDir(), filepath.FromSlash(name))
	st, err := os.Stat(from) // a link to a file elsewhere is fine
	if err != nil || !st.Mode().IsRegular() {
		return "", err
	}
	for n := 1; ; n++ {
		try := clashName(name, m.label, n)
		to := filepath.Join(f.main.FilesDir(), filepath.FromSlash(try))
		same, err := sameContent(from, to)
		if err == nil && same {
			return try, nil
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		f.report.Files++
		return try, bring(from, to)
	}
}

// clashName is the name itself, then <stem>_<label><ext>, then with a number.
func clashName(name, label string, n int) string {
	if n == 1 {
		return name
	}
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext) + "_" + strings.NewReplacer("/", "_", `\`, "_").Replace(label)
	if n > 2 {
		stem += "_" + strconv.Itoa(n-1)
	}
	return stem + ext
}

// bring makes to a file with the content of from, in one step.
func bring(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if st, err := os.Lstat(from); err == nil && st.Mode().IsRegular() && os.Link(from, to) == nil {
		return nil
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	temp := to + ".joining"
	dst, err := os.OpenFile(temp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err = errors.Join(err, dst.Sync(), dst.Close()); err != nil {
		os.Remove(temp)
		return err
	}
	return os.Rename(temp, to)
}

// sameContent compares two files; the error is fs.ErrNotExist when b is not
// there.
func sameContent(a, b string) (bool, error) {
	sb, err := os.Stat(b)
	if err != nil {
		return false, err
	}
	sa, err := os.Stat(a)
	if err != nil || os.SameFile(sa, sb) || sa.Size() != sb.Size() || !sb.Mode().IsRegular() {
		return err == nil && os.SameFile(sa, sb), err
	}
	fa, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	return equalReaders(fa, fb)
}

func equalReaders(a, b io.Reader) (bool, error) {
	var x, y [32 << 10]byte
	for {
		n, err := io.ReadFull(a, x[:])
		m, err2 := io.ReadFull(b, y[:])
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if err == nil && err2 == nil {
			continue
		}
		for _, e := range [...]error{err, err2} {
			if e != nil && !errors.Is(e, io.EOF) && !errors.Is(e, io.ErrUnexpectedEOF) {
				return false, e
			}
		}
		return true, nil
	}
}
