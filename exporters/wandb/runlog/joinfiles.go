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
	"syscall"

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
// for what is no file below the files directory. A link that leads out of it stays a
// link: whoever sends files decides what becomes of it.
func (f *fileMerge) place(m *member, name string) (string, error) {
	name = filepath.FromSlash(name)
	if !filepath.IsLocal(name) {
		return "", nil
	}
	from, err := os.OpenRoot(m.dir.FilesDir())
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.OpenRoot(f.main.FilesDir())
	if err != nil {
		return "", err
	}
	defer to.Close()
	st, err := from.Lstat(name)
	if err != nil || !st.Mode().IsRegular() && st.Mode().Type() != fs.ModeSymlink {
		return "", nil // gone, no file, or behind a link that leads out
	}
	for n := 1; ; n++ {
		try := clashName(filepath.ToSlash(name), m.label, n)
		local := filepath.FromSlash(try)
		same, err := sameFile(from, name, to, local)
		switch {
		case err == nil && same:
			return try, nil
		case err == nil || errors.Is(err, syscall.ENOTDIR):
			continue
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		f.report.Files++
		return try, bring(from, name, to, local)
	}
}

// clashName is the name itself, then <stem>_<label><ext>, then with a number,
// each second one in a folder of the writer's in case a folder's name is taken by a file.
func clashName(name, label string, n int) string {
	if n == 1 {
		return name
	}
	label = strings.NewReplacer("/", "_", `\`, "_").Replace(label)
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext) + "_" + label
	if n > 3 {
		stem += "_" + strconv.Itoa(n/2)
	}
	if n%2 == 1 {
		stem = label + "/" + stem
	}
	return stem + ext
}

// bring makes the file called local in to from the one called name in from, in
// one step.
func bring(from *os.Root, name string, to *os.Root, local string) error {
	if err := to.MkdirAll(filepath.Dir(local), 0o700); err != nil {
		return err
	}
	if target, err := from.Readlink(name); err == nil {
		return to.Symlink(target, local)
	}
	if os.Link(filepath.Join(from.Name(), name), filepath.Join(to.Name(), local)) == nil {
		return nil
	}
	src, err := from.Open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	temp := local + ".joining"
	dst, err := to.OpenFile(temp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err = errors.Join(err, dst.Sync(), dst.Close()); err != nil {
		return errors.Join(err, to.Remove(temp))
	}
	return to.Rename(temp, local)
}

// sameFile compares two files, or where two links lead; the error is
// fs.ErrNotExist when the second is not there.
func sameFile(ra *os.Root, a string, rb *os.Root, b string) (bool, error) {
	sb, err := rb.Lstat(b)
	if err != nil {
		return false, err
	}
	sa, err := ra.Lstat(a)
	if err != nil || sa.Mode().Type() != sb.Mode().Type() {
		return false, err
	}
	if sa.Mode().Type() == fs.ModeSymlink {
		x, err1 := ra.Readlink(a)
		y, err2 := rb.Readlink(b)
		return x == y, errors.Join(err1, err2)
	}
	if os.SameFile(sa, sb) || sa.Size() != sb.Size() {
		return os.SameFile(sa, sb), nil
	}
	fa, err := ra.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := rb.Open(b)
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
