//go:build !bare

package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// useColor says whether to colour what goes to w.
func useColor(choice string, w io.Writer) bool {
	if choice != "auto" {
		return choice == "always"
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
