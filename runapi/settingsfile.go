package runapi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// maxSettingsFile bounds what is read of a settings file.
const maxSettingsFile = 1 << 20

// fromFile reads a settings file: INI with the section [default] and setting
// names as keys. A missing file gives nothing. Keys that this package does not
// have are warnings; the official client rejects the whole file for them.
func (r *resolver) fromFile(from Source, path string, opts []option) {
	if path == "" {
		return
	}
	data, err := readBounded(path, maxSettingsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		r.warnings = append(r.warnings, err.Error())
		return
	}
	known := map[string]bool{baseURLKey: true}
	for i := range opts {
		known[opts[i].name] = opts[i].name != "root_dir"
	}
	found := make(map[string]Given) // of a key that stands twice the last one counts
	for _, e := range parseINI(string(data)) {
		origin := fmt.Sprintf("%s:%d: %s", path, e.line, e.key)
		switch {
		case e.key == "":
			r.warnings = append(r.warnings, origin+"line is no key = value")
		case known[e.key]:
			found[e.key] = Given{Source: from, Value: e.value, Origin: origin}
		case !fileElsewhere[e.key]:
			r.warnings = append(r.warnings, origin+": no such setting")
		}
	}
	for name, g := range found {
		r.say(name, g)
	}
}

// fileElsewhere are keys that other parts use.
var fileElsewhere = map[string]bool{"app_url_override": true, "api_key": true, "anonymous": true, "root_dir": true, "settings_system": true, "organization": true, "silent": true, "quiet": true}

type iniEntry struct {
	line       int
	key, value string // key "" when the line could not be read
}

// parseINI returns the entries of the section [default]. Lines that start with
// # or ; are comments.
func parseINI(text string) []iniEntry {
	var entries []iniEntry
	section, n := "", 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && line[len(line)-1] == ']':
			section = strings.TrimSpace(line[1 : len(line)-1])
		case section == "default":
			i := strings.IndexAny(line, "=:")
			if i <= 0 {
				entries = append(entries, iniEntry{line: n})
				continue
			}
			key := strings.ToLower(strings.TrimSpace(line[:i]))
			entries = append(entries, iniEntry{n, key, strings.TrimSpace(line[i+1:])})
		}
	}
	return entries
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > limit {
		return nil, fmt.Errorf("read %s: not a file of at most %d bytes", path, limit)
	}
	return os.ReadFile(path)
}
