package pydeps

import (
	"path/filepath"
	"strings"
)

// Sites returns the directories that packages are installed in, as paths of this
// machine, those that are searched first before others.
func (p Process) Sites() []string {
	var dirs []string
	add := func(patterns ...string) {
		for _, pattern := range patterns {
			found, _ := filepath.Glob(quote(p.Root) + pattern)
			dirs = append(dirs, found...)
		}
	}
	for _, dir := range p.Path {
		add(quote(dir))
	}
	prefix, cfg := p.venv()
	if prefix != "" {
		add(below(prefix)...)
		if !cfg.system {
			return unique(dirs)
		}
		prefix = filepath.Dir(cfg.home)
	} else {
		prefix = filepath.Dir(filepath.Dir(p.Exe))
	}
	version := pythonVersion(p.Exe)
	if p.Home != "" {
		add(filepath.Join(quote(p.Home), ".local/lib", version, "site-packages"))
	}
	for _, pattern := range below(prefix) {
		add(strings.Replace(pattern, anyPython, version, 1))
	}
	add(quote(prefix)+"/lib/python3/dist-packages", filepath.Join(quote(prefix), "local/lib", version, "dist-packages"))
	return unique(dirs)
}

// anyPython matches the directory of a version below lib.
const anyPython = "python[0-9]*"

// below are the site directories of a prefix.
func below(prefix string) []string {
	return []string{filepath.Join(quote(prefix), "lib", anyPython, "site-packages"), filepath.Join(quote(prefix), "lib64", anyPython, "site-packages")}
}

// pythonVersion is the directory of an interpreter's version, or a pattern of it.
func pythonVersion(exe string) string {
	name := filepath.Base(exe)
	if strings.HasPrefix(name, "python") && strings.Contains(name, ".") && strings.Trim(name[len("python"):], "0123456789.t") == "" {
		return name
	}
	return anyPython
}

// venvConfig is what pyvenv.cfg says.
type venvConfig struct {
	home   string // directory of the interpreter that the environment was made with
	system bool   // packages of that interpreter count too
}

// venv returns the virtual environment that the process was started from; "" for
// none.
func (p Process) venv() (prefix string, cfg venvConfig) {
	bin := filepath.Dir(p.Command)
	for _, dir := range []string{bin, filepath.Dir(bin)} {
		text, err := readBounded(p.Root+filepath.Join(dir, "pyvenv.cfg"), 64<<10)
		if err == nil {
			return dir, parseVenv(string(text))
		}
	}
	return "", cfg
}

func parseVenv(text string) (cfg venvConfig) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "home":
			cfg.home = value
		case "include-system-site-packages":
			cfg.system = strings.EqualFold(value, "true")
		}
	}
	return cfg
}

// unique drops directories that are the same one.
func unique(dirs []string) (list []string) {
	seen := map[string]bool{}
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || seen[real] {
			continue
		}
		seen[real] = true
		list = append(list, dir)
	}
	return list
}

// quote keeps Glob from reading a directory name as a pattern.
func quote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
