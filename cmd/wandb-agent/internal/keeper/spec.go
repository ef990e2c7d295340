package keeper

import (
	"encoding/json"
	"os"
	"time"
)

// WorkerFD is the descriptor of the socket to the keeper in a worker process.
const WorkerFD = 3

// WorkerSpec is what a worker is told first.
type WorkerSpec struct {
	RunDir     string          `json:"run_dir"`
	RunID      string          `json:"run_id"`
	PID        int             `json:"pid"`         // of the command
	StartTicks uint64          `json:"start_ticks"` // see pidwatch.Process.StartTicks
	Started    time.Time       `json:"started"`
	Argv       []string        `json:"argv"` // as given: whoever writes it down redacts it
	Terminal   bool            `json:"terminal"`
	Settings   json.RawMessage `json:"settings,omitempty"`

	// Attempt counts the workers of this command from 0: from 1 on the run's
	// log exists and may have a torn tail.
	Attempt int `json:"attempt"`

	Consoles []inherited `json:"consoles"`
	Stdout   int         `json:"stdout"` // descriptor
	Stderr   int         `json:"stderr"` // descriptor
}

// inherited is a console that the worker holds in case the keeper dies.
type inherited struct {
	FD       int  `json:"fd"`
	Stderr   bool `json:"stderr,omitempty"`
	Terminal bool `json:"terminal,omitempty"`
}

// inherit lists the files that a worker gets behind the standard three, and
// notes in the spec which is which.
func (s *WorkerSpec) inherit(socket *os.File, consoles []*console, outs [2]*output) []*os.File {
	files := []*os.File{socket}
	add := func(f *os.File) int {
		files = append(files, f)
		return WorkerFD + len(files) - 1
	}
	s.Consoles = nil
	for _, c := range consoles {
		s.Consoles = append(s.Consoles, inherited{add(c.file), c.stderr, c.terminal})
	}
	s.Stdout, s.Stderr = add(outs[0].file), add(outs[1].file)
	return files
}
