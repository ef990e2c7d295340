package pydeps

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of what is listed.
const (
	maxPackages = 10_000
	maxMetadata = 64 << 10 // of the head of a METADATA file
)

// Requirements returns the packages of site directories, each as name==version,
// sorted. Of a package that is in several directories the first counts, as for
// import.
func Requirements(sites []string) []string {
	var list []string
	seen := map[string]bool{}
	for _, dir := range sites {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			name, version := read(dir, e.Name())
			key := normal(name)
			if name == "" || version == "" || seen[key] || len(list) == maxPackages {
				continue
			}
			seen[key] = true
			list = append(list, name+"=="+version)
		}
	}
	slices.Sort(list)
	return list
}

// read returns what the metadata of a distribution says, if entry is one.
func read(dir, entry string) (name, version string) {
	path := filepath.Join(dir, entry)
	switch {
	case strings.HasSuffix(entry, ".dist-info"):
		path = filepath.Join(path, "METADATA")
	case strings.HasSuffix(entry, ".egg-info"):
		if st, err := os.Stat(path); err == nil && st.IsDir() {
			path = filepath.Join(path, "PKG-INFO")
		}
	default:
		return "", ""
	}
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return "", ""
	}
	text, err := readBounded(path, maxMetadata)
	if err != nil {
		return "", ""
	}
	return parseMetadata(text)
}

// parseMetadata reads name and version in the head of a METADATA file. What could
// not be one of a package is none.
func parseMetadata(text []byte) (name, version string) {
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break // the description follows
		}
		key, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		switch word := string(bytes.TrimSpace(value)); strings.ToLower(string(key)) {
		case "name":
			name = word
		case "version":
			version = word
		}
	}
	if !plain(name) || !plain(version) {
		return "", ""
	}
	return name, version
}

// plain says whether a word can be part of a line of requirements.
func plain(word string) bool {
	return len(word) <= 256 && utf8.ValidString(word) && !strings.ContainsFunc(word, func(c rune) bool { return c <= ' ' || c == 0x7f })
}

// normal is the form in which names of packages are compared.
func normal(name string) string {
	return strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToLower(name))
}
