//go:build !linux

package runlog

import "os"

// isLocal knows no file systems here: the log's own goroutine writes.
func isLocal(*os.File) bool { return false }

func datasync(f *os.File) error { return f.Sync() }
