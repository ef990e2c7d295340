// Package pydeps lists the Python packages that a process can import, without
// running anything of it:
//
//	/proc/PID/cmdline, environ, exe ─▶ pyvenv.cfg or prefix ─▶ site directories ─▶ *.dist-info/METADATA ─▶ name==version
//
// The rules are those of Python's module site, as far as files tell: a virtual
// environment and, if it says so, what lies below it; else the prefix of the
// interpreter with the user's own packages; PYTHONPATH always. What a program adds
// to sys.path itself is not seen. All reading is bounded.
package pydeps
