package artifact

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// CheckPath says whether an entry's path names something below the folder it is
// put into. Paths come from servers and are not to be trusted: absolute ones,
// ones with .. or empty parts, with zero bytes or that are no UTF-8 are refused
// everywhere. With portable, so are those that some system cannot keep or
// understands differently: backslashes, colons, names of devices, ends in a dot
// or a space.
func CheckPath(name string, portable bool) error {
	switch {
	case name == "" || !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return fmt.Errorf("%w: %q", ErrBadName, name)
	case name == "." || path.IsAbs(name) || path.Clean(name) != name || strings.HasPrefix(name, "../") || name == "..":
		return fmt.Errorf("%w: %q does not stay in its folder", ErrBadName, name)
	case portable && strings.ContainsAny(name, `\:`):
		return fmt.Errorf("%w: %q has a backslash or a colon", ErrBadName, name)
	}
	if _, err := filepath.Localize(name); err != nil {
		return fmt.Errorf("%w: %q: this system cannot keep it", ErrBadName, name)
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case portable && isDevice(part):
			return fmt.Errorf("%w: %q is a device on Windows", ErrBadName, name)
		case portable && (strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ")):
			return fmt.Errorf("%w: %q: a part ends in a dot or a space", ErrBadName, name)
		case len(part) > 255:
			return fmt.Errorf("%w: %.40q...: a part has %d bytes", ErrBadName, name, len(part))
		}
	}
	return nil
}

// devices are names that Windows takes for devices, in every folder and with
// any extension.
var devices = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true, "conin$": true, "conout$": true}

func isDevice(part string) bool {
	base, _, _ := strings.Cut(part, ".")
	base = strings.ToLower(strings.TrimRight(base, " "))
	if devices[base] {
		return true
	}
	number, found := strings.CutPrefix(base, "com")
	if !found {
		number, found = strings.CutPrefix(base, "lpt")
	}
	return found && (len(number) == 1 && number[0] >= '0' && number[0] <= '9' || number == "¹" || number == "²" || number == "³")
}

// CheckNames says whether the entries of m can all be files below one folder:
// CheckPath, and no path is a folder of another. With portable, paths that
// differ in case only are refused too, since they are one file on some systems.
func (m *Manifest) CheckNames(portable bool) error {
	kinds := map[string]named{} // by folded path: files, and the folders above them
	for i := range m.Entries {
		name := m.Entries[i].Path
		if err := CheckPath(name, portable); err != nil {
			return err
		}
		for at, file := name, true; at != "."; at, file = path.Dir(at), false {
			key := at
			if portable {
				key = strings.ToLower(strings.ToUpper(at)) // both ways: some letters have more than two forms
			}
			before, seen := kinds[key]
			if seen && (before.name != at || before.file != file || file) {
				return fmt.Errorf("%w: %q and %q clash", ErrBadName, before.name, name)
			}
			if seen {
				break // and so are the folders above
			}
			kinds[key] = named{at, file}
		}
	}
	return nil
}

// named is a path, and whether it is a file or a folder.
type named struct {
	name string
	file bool
}
