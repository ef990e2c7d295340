package media

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// stored is what values that are one file have in common.
type stored struct {
	typ     string // _type
	file    File
	caption string
}

// ErrLoggedOnly is returned for a value that W&B shows in rows and the summary
// of a run only: its client could not read it from an artifact, or a table.
var ErrLoggedOnly = errors.New("it can be logged only: W&B does not read it from tables and artifacts")

// loggedOnly marks the values that ErrLoggedOnly is about.
type loggedOnly interface{ loggedOnly() }

// inRow wants the store of a run.
func inRow(dst Store) (RunStore, error) {
	run, ok := dst.(RunStore)
	if !ok {
		return nil, ErrLoggedOnly
	}
	return run, nil
}

// put stores the file and returns its object.
func (s stored) put(dst Store) (Object, error) {
	if dst == nil {
		return nil, fmt.Errorf("%s: there is no store", s.typ)
	}
	o, err := dst.Put(s.file)
	if err != nil {
		return nil, err
	}
	o["_type"] = s.typ
	if s.caption != "" {
		o["caption"] = s.caption
	}
	return o, nil
}

// fileOf is a file that exists, with one of some extensions.
func fileOf(dir, path string, exts ...string) (File, error) {
	for _, ext := range exts {
		if strings.HasSuffix(strings.ToLower(filepath.Base(path)), ext) {
			return File{Dir: dir, Path: path, Ext: filepath.Base(path)[len(filepath.Base(path))-len(ext):]}, nil
		}
	}
	return File{}, fmt.Errorf("file %s: want one of the extensions %s", path, strings.Join(exts, " "))
}

// textFile is a file with a known content.
func textFile(dir, ext, text string) File {
	return File{Dir: dir, Ext: ext, Write: func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}}
}

// oneOf wants exactly one of several sources to be given.
func oneOf(what string, given ...bool) error {
	n := 0
	for _, g := range given {
		if g {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("%s with %d sources: want one", what, n)
	}
	return nil
}

// as is an element of a list of T or *T.
func as[T any](v Value) (t T) {
	switch v := any(v).(type) {
	case T:
		return v
	case *T:
		return *v
	}
	return t
}

// objects stores the values of a list one by one.
func objects(dst Store, list []Value) ([]any, error) {
	all := make([]any, len(list))
	for i, v := range list {
		o, err := v.StoreMedia(dst)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		all[i] = o
	}
	return all, nil
}

// Members collects one member of each object of a list; nil for one that lacks
// it. It is for those who implement Lister.
func Members(list []any, name string) []any {
	all := make([]any, len(list))
	for i, o := range list {
		if m, ok := o.(Object); ok {
			all[i] = m[name]
		}
	}
	return all
}

// captions are those of a list if its first value has one; false stands for
// none, as in the official client.
func captions(list []any) any {
	all := Members(list, "caption")
	if len(all) == 0 || all[0] == nil {
		return false
	}
	return all
}
