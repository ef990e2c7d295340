//go:build !unix

package artifact

import (
	"errors"
	"os"
)

// linkInto and linkOut need folders that links can be made relative to.
func linkInto(*os.File, string, string) error { return errors.ErrUnsupported }

func linkOut(*os.File, string, string) error { return errors.ErrUnsupported }

// linkCount is not known here.
func linkCount(os.FileInfo) uint64 { return 1 }
