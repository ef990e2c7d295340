package auth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// NetrcPath returns the netrc file: NETRC, or .netrc in the user's folder, or
// _netrc if only that is there. It is "" when the user has no folder.
func (s *Source) NetrcPath() string {
	if path := s.Environ["NETRC"]; path != "" {
		if rest, ok := cutHome(path); ok && s.home() != "" {
			return filepath.Join(s.home(), rest)
		}
		return path
	}
	if s.home() == "" {
		return ""
	}
	usual := filepath.Join(s.home(), ".netrc")
	if _, err := os.Stat(usual); err != nil {
		other := filepath.Join(s.home(), "_netrc")
		if _, err := os.Stat(other); err == nil {
			return other
		}
	}
	return usual
}

// cutHome takes "~/" from the front of a path.
func cutHome(path string) (string, bool) {
	if len(path) > 2 && path[:2] == "~/" {
		return path[2:], true
	}
	return "", false
}

// Store keeps the key of a server in the netrc file at path and leaves the rest
// of it as it is. The file has mode 0600 afterwards, and is either the old or
// the new one whatever happens. A symbolic link is followed.
func Store(path, baseURL string, key api.Key) error {
	if err := CheckKey(key.Reveal()); err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	machine, err := machineOf(baseURL)
	if err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	if path == "" {
		return errors.New("store key: the user has no home folder; set NETRC to a path")
	}
	data, err := readFile(path)
	if err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	text := setPassword(data, machine, key.Reveal())
	if passwordFor(parseNetrc(text), machine) != key.Reveal() {
		return fmt.Errorf("store key: %s ends in the middle of an entry or of quotes: repair it first", path)
	}
	if err := replaceFile(path, text); err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	return nil
}

// replaceFile puts data in the place of a file, with mode 0600, in one step.
func replaceFile(path string, data []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, name+".*.tmp") // has mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
