package auth

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// A Source is where servers and credentials are looked for. The zero value
// knows only the public server.
type Source struct {
	BaseURL string  // explicit: a flag, or a field that a program set
	Key     api.Key // explicit

	Environ map[string]string // of the process, by name
	Home    string            // of the user; empty: HOME

	WorkspaceSettings string // path of the settings file in the working directory's wandb folder; empty: none
	GlobalSettings    string // path of the user's settings file; empty: none
}

// NewSource makes the Source of a process with the environment environ, as
// os.Environ gives it, that keeps its runs below dir; empty is the working
// directory.
func NewSource(environ []string, dir string) Source {
	s := Source{Environ: map[string]string{}}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if _, twice := s.Environ[name]; !twice { // the first counts, as in the C library
			s.Environ[name] = value
		}
	}
	if dir == "" {
		dir = s.Environ["WANDB_DIR"]
	}
	s.WorkspaceSettings = filepath.Join(dir, "wandb", "settings")
	if st, err := os.Stat(filepath.Join(dir, ".wandb")); err == nil && st.IsDir() {
		s.WorkspaceSettings = filepath.Join(dir, ".wandb", "settings")
	}
	if config := s.configDir(); config != "" {
		s.GlobalSettings = filepath.Join(config, "settings")
	}
	return s
}

// home returns the user's folder, or "".
func (s *Source) home() string {
	if s.Home != "" {
		return s.Home
	}
	return s.Environ["HOME"]
}

// configDir returns the user's folder of W&B settings, or "".
func (s *Source) configDir() string {
	switch {
	case s.Environ["WANDB_CONFIG_DIR"] != "":
		return s.Environ["WANDB_CONFIG_DIR"]
	case s.home() != "":
		return filepath.Join(s.home(), ".config", "wandb")
	}
	return ""
}

// A Server is a base URL and who said so.
type Server struct {
	URL    string
	Origin string // "the base URL given", "WANDB_BASE_URL", a file, or "default"

	// FromWorkspace: nothing but the settings file of the working directory
	// names this server.
	FromWorkspace bool
}

// Locate finds the server: what was given, then WANDB_BASE_URL, the workspace's
// settings, the user's settings, and the public one.
func Locate(s Source) (Server, error) {
	if s.BaseURL != "" {
		return Server{URL: trim(s.BaseURL), Origin: "the base URL given"}, nil
	}
	if url := s.Environ["WANDB_BASE_URL"]; url != "" {
		return Server{URL: trim(url), Origin: "WANDB_BASE_URL"}, nil
	}
	here, err := baseURLIn(s.WorkspaceSettings)
	if err != nil {
		return Server{}, err
	}
	mine, err := baseURLIn(s.GlobalSettings)
	if err != nil {
		return Server{}, err
	}
	own := Server{URL: api.DefaultBaseURL, Origin: "default"}
	if mine != "" {
		own = Server{URL: mine, Origin: s.GlobalSettings}
	}
	if here == "" || here == own.URL {
		return own, nil
	}
	return Server{URL: here, Origin: s.WorkspaceSettings, FromWorkspace: here != api.DefaultBaseURL}, nil
}

func trim(url string) string { return strings.TrimRight(strings.TrimSpace(url), "/") }

// maxFile bounds what is read of any file.
const maxFile = 1 << 20

// readFile reads a regular file. One that is not there is empty.
func readFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: it is no file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("read %s: longer than %d bytes", path, maxFile)
	}
	return data, nil
}

// baseURLIn returns the base URL in a settings file: INI, section [default].
func baseURLIn(path string) (string, error) {
	data, err := readFile(path)
	if err != nil {
		return "", err
	}
	section, found := "", ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && line[len(line)-1] == ']':
			section = strings.TrimSpace(line[1 : len(line)-1])
		case section == "default":
			if i := strings.IndexAny(line, "=:"); i > 0 && strings.EqualFold(strings.TrimSpace(line[:i]), "base_url") {
				found = trim(line[i+1:])
			}
		}
	}
	return found, nil
}
