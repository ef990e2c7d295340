package pydeps

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is what a Python process says of its packages. It stays valid when the
// process has ended.
type Process struct {
	Root    string   // directory that the paths are below: that of a container; "" is ours
	Command string   // path of the interpreter as it was started, links not followed
	Exe     string   // path of the program that runs
	Path    []string // PYTHONPATH
	Home    string   // of the user; "" when packages of the user do not count
}

// maxProcFile bounds what is read of a file in procfs.
const maxProcFile = 4 << 20

// Look reads what procfs says of a process; proc "" is /proc.
func Look(proc string, pid int) (Process, error) {
	if proc == "" {
		proc = "/proc"
	}
	dir := filepath.Join(proc, strconv.Itoa(pid))
	exe, err := os.Readlink(filepath.Join(dir, "exe"))
	if err != nil {
		return Process{}, err
	}
	p := Process{Exe: strings.TrimSuffix(exe, " (deleted)")}
	if root, err := os.Readlink(filepath.Join(dir, "root")); err == nil && root != "/" {
		p.Root = filepath.Join(dir, "root")
	}
	env := map[string]string{}
	for _, entry := range zeroSeparated(filepath.Join(dir, "environ")) {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	cwd, _ := os.Readlink(filepath.Join(dir, "cwd"))
	var command string
	if args := zeroSeparated(filepath.Join(dir, "cmdline")); len(args) > 0 {
		command = args[0]
	}
	p.Command = p.find(command, cwd, env["PATH"])
	for _, entry := range filepath.SplitList(env["PYTHONPATH"]) {
		if entry != "" {
			p.Path = append(p.Path, absolute(cwd, entry))
		}
	}
	if env["PYTHONNOUSERSITE"] == "" {
		p.Home = env["HOME"]
	}
	return p, nil
}

// find returns where a command was found when it was started.
func (p *Process) find(command, cwd, path string) string {
	if strings.Contains(command, "/") {
		return absolute(cwd, command)
	}
	for _, dir := range filepath.SplitList(path) {
		file := absolute(cwd, filepath.Join(dir, command))
		if st, err := os.Stat(p.Root + file); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 && command != "" {
			return file
		}
	}
	return p.Exe
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// zeroSeparated reads entries that zero bytes end.
func zeroSeparated(path string) []string {
	text, err := readBounded(path, maxProcFile)
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// readBounded reads the beginning of a file.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}
