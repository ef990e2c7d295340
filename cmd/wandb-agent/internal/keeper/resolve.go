package keeper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// StartError is a command that was never started.
type StartError struct {
	Command string
	Code    int   // what to exit with, as shells do: 127 not found, 126 found but not runnable
	Err     error // the cause
}

// Error names the command and the cause.
func (e *StartError) Error() string { return fmt.Sprintf("start %q: %v", e.Command, e.Err) }

// Unwrap returns Err.
func (e *StartError) Unwrap() error { return e.Err }

// Resolve finds the file that Argv[0] names, as execvp(3) would in the PATH of
// env. Call it before creating anything for the run. The error is a *StartError.
func Resolve(argv, env []string) (string, error) {
	if len(argv) == 0 || argv[0] == "" {
		return "", &StartError{"", 127, errors.New("no command")}
	}
	name := argv[0]
	if strings.Contains(name, "/") {
		if err := runnable(name); err != nil {
			return "", startError(name, err)
		}
		return name, nil
	}
	var denied error
	for _, dir := range filepath.SplitList(searchPath(env)) {
		file := filepath.Join(dir, name)
		if !strings.Contains(file, "/") {
			file = "./" + file
		}
		err := runnable(file)
		if err == nil {
			return file, nil
		}
		if denied == nil && errors.Is(err, errFound) {
			denied = err
		}
	}
	if denied != nil {
		return "", startError(name, denied)
	}
	return "", &StartError{name, 127, errors.New("command not found")}
}

// searchPath returns the last PATH of env, or the one that execvp(3) uses
// where there is none.
func searchPath(env []string) string {
	path := "/bin:/usr/bin"
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	return path
}

// errFound is a file that is there. A folder of PATH that may not be searched
// says nothing of the kind.
var errFound = errors.New("permission denied: the file")

// runnable reports why file cannot be executed by this process.
func runnable(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%w is a directory", errFound)
	}
	if err := unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("%w is not executable", errFound)
	}
	return nil
}

func startError(name string, err error) *StartError {
	if errors.Is(err, fs.ErrNotExist) {
		return &StartError{name, 127, err}
	}
	return &StartError{name, 126, err}
}
