package keeper

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// output is our own stdout or stderr.
type output struct {
	file *os.File
	mu   *sync.Mutex // shared by outputs that are the same file, so that chunks stay whole

	gone   bool  // whoever read it went away; only its pump looks
	unsent int64 // bytes that were refused for another reason; read when its pump has ended
}

// newOutputs prepares our stdout and stderr.
func newOutputs(stdout, stderr *os.File) [2]*output {
	outs := [2]*output{{file: stdout, mu: new(sync.Mutex)}, {file: stderr, mu: new(sync.Mutex)}}
	a, errA := stdout.Stat()
	b, errB := stderr.Stat()
	if errA == nil && errB == nil && os.SameFile(a, b) {
		outs[1].mu = outs[0].mu
	}
	return outs
}

// write forwards p. Nothing but a reader that went away (EPIPE) is passed on
// to the command: a full disk is retried with the next bytes, because the
// command would have got ENOSPC and not a signal.
func (o *output) write(p []byte) {
	if o.gone {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.file.Write(p)
	switch {
	case errors.Is(err, unix.EPIPE):
		o.gone = true
	case err != nil:
		o.unsent += int64(len(p) - n)
	}
}
