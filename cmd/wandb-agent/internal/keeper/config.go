package keeper

import (
	"encoding/json"
	"os"
	"os/exec"
	"time"
)

// Console takes what the command prints, in order within a stream.
// *runlog.Writer is one.
type Console interface {
	// Output takes text that was read at the Unix time tNanos. Text is whole
	// lines as far as the command wrote whole lines in time: a line without
	// an end is handed over after half a second or 64 KiB, never cut inside a
	// UTF-8 sequence. Called from one goroutine, which may be delayed by it;
	// text must not be kept. An error is reported in Result; Output is called
	// again for what follows.
	Output(stderr bool, tNanos int64, text []byte) error
}

// Config is a command to run and what to do with it. Argv, Console and the
// three files are needed.
type Config struct {
	Argv []string // Argv[0] is looked up in the PATH of Env
	Env  []string // of the command, as os.Environ gives it
	Dir  string   // where the command runs; empty means here

	Stdin, Stdout, Stderr *os.File // ours; those that are terminals make the command's terminals

	// Started is called once, right after the command was started and before
	// anything is read from it. nil is allowed.
	Started func(Started)
	// Console gets the command's output until Finish is called.
	Console Console
	// Signaled is told of each signal that we got, beside what is done with it. It
	// is called in a goroutine of its own, perhaps after Finish. nil is allowed.
	Signaled func(os.Signal)
	// Finish is called once after the last Output: it writes the exit record
	// and closes the console's log, so that the worker can fold it in.
	// nil is allowed.
	Finish func(Status) error

	// Worker returns the worker process, not started: path, arguments,
	// environment, stderr. It must stay in our process group; its stdin and
	// stdout should stay nil; ExtraFiles is set by the keeper. It is called for
	// each start. nil means no worker.
	Worker func() *exec.Cmd
	// RunDir, RunID and Settings are handed to the worker as they are, over a
	// socket: nothing of it shows in a process list.
	RunDir, RunID string
	Settings      json.RawMessage

	WorkerPatience time.Duration // how long the worker may take to finish, default 10 s; a second more for each 32 MiB of console
	LogPatience    time.Duration // how long a slow log may hold up the command, and its end, default 2 s
	SignalPatience time.Duration // how long a signal to us alone is delayed, and how late a worker may report one without the command getting it twice; default 300 ms
	MinBackoff     time.Duration // wait before the first restart of a worker, default 1 s, doubled each time
	MaxBackoff     time.Duration // longest wait before a restart, default 30 s
	LogQueueBytes  int           // console bytes waiting for the log, default 64 MiB
}

// Started is what there is to know of a command that has just been started.
type Started struct {
	PID        int
	StartTicks uint64 // with PID names the process; see pidwatch.Process.StartTicks
	Time       time.Time
	Terminal   bool // its stdout is a pseudo-terminal
}

func (c *Config) setDefaults() {
	if c.SignalPatience == 0 {
		c.SignalPatience = 300 * time.Millisecond
	}
	if c.WorkerPatience == 0 {
		c.WorkerPatience = 10 * time.Second
	}
	if c.LogPatience == 0 {
		c.LogPatience = 2 * time.Second
	}
	if c.MinBackoff == 0 {
		c.MinBackoff = time.Second
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = 30 * time.Second
	}
	if c.LogQueueBytes == 0 {
		c.LogQueueBytes = 64 << 20
	}
}
