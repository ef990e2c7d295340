package runapi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// savePlace is a pattern of Save with where its files go.
type savePlace struct {
	glob   string // absolute
	strip  int    // leading parts of a path that are not part of its name
	files  string // directory of the run's files
	rest   string // the pattern below the base: of names in files
	policy Policy
}

func newPlace(pattern string, o SaveOptions, files string) (*savePlace, error) {
	switch {
	case strings.ContainsRune(pattern+o.Base, 0):
		return nil, fmt.Errorf("%w: a path with a zero byte", errSave)
	case strings.Contains(pattern, "://"):
		return nil, fmt.Errorf("%w: this is no path; LogArtifactPath takes references", errSave)
	}
	whole, err := filepath.Abs(pattern)
	if err != nil {
		return nil, err
	}
	if o.Literal {
		pattern = globQuote(pattern)
	}
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, err
	}
	p := &savePlace{files: files, policy: o.Policy}
	if o.Base == "" && filepath.IsAbs(pattern) {
		base := filepath.Dir(filepath.Dir(whole))
		p.glob, p.strip = filepath.Clean(pattern), parts(base)
		p.rest, _ = relative(base, whole)
		if o.Literal {
			p.rest = globQuote(p.rest)
		}
		return p, nil
	}
	base, err := filepath.Abs(o.Base)
	if err != nil {
		return nil, err
	}
	rest, ok := restBelow(base, whole)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not below %s", ErrBaseNotPrefix, pattern, base)
	}
	if o.Literal {
		rest = globQuote(rest)
	}
	p.glob, p.strip, p.rest = filepath.Join(globQuote(base), rest), parts(base), rest
	return p, nil
}

// restBelow returns what of an absolute pattern lies below base; base stands in it
// as it is, or quoted.
func restBelow(base, pattern string) (string, bool) {
	if rest, ok := relative(base, pattern); ok {
		return filepath.FromSlash(rest), true
	}
	rest, ok := relative(globQuote(base), pattern)
	return filepath.FromSlash(rest), ok
}

// parts counts the names of an absolute path.
func parts(path string) int {
	return len(strings.FieldsFunc(path, func(c rune) bool { return c == filepath.Separator }))
}

// find lists the regular files that there are, sorted by name. The error is
// about names that cannot be had.
func (p *savePlace) find() (files []*saved, err error) {
	byName := map[string]*saved{}
	for _, path := range globbed(filepath.Join(globQuote(p.files), p.rest)) {
		if name, ok := relative(p.files, path); ok && !slices.Contains(ownFiles, name) {
			byName[name] = &saved{from: path, name: name, policy: p.policy}
		}
	}
	for _, path := range globbed(p.glob) {
		name := p.name(path)
		if slices.Contains(ownFiles, name) {
			err = errors.Join(err, fmt.Errorf("%w: %s is a file of the run itself", errSave, name))
			continue
		}
		byName[name] = &saved{from: path, name: name, policy: p.policy}
	}
	for _, f := range byName {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b *saved) int { return strings.Compare(a.name, b.name) })
	return files, err
}

// name is what a path is called in the run.
func (p *savePlace) name(path string) string {
	if name, ok := relative(p.files, path); ok {
		return name
	}
	list := strings.Split(strings.TrimPrefix(path, filepath.VolumeName(path)), string(filepath.Separator))
	return strings.Join(list[1+p.strip:], "/")
}

// globbed lists the regular files of a pattern, without those whose names begin
// with a dot that the pattern does not have.
func globbed(pattern string) (paths []string) {
	all, err := filepath.Glob(pattern)
	if err != nil {
		return nil // the pattern was tried before
	}
	asked := strings.Split(pattern, string(filepath.Separator))
	hidden := func(path string) bool {
		for i, part := range strings.Split(path, string(filepath.Separator)) {
			if strings.HasPrefix(part, ".") && i < len(asked) && !strings.HasPrefix(strings.TrimPrefix(asked[i], `\`), ".") {
				return true
			}
		}
		return false
	}
	for _, path := range all {
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && !hidden(path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// globQuote keeps Glob from reading a directory name as a pattern.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
