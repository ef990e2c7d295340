package keeper

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/wandb-agent/wandb-agent/collectors/host/pidwatch"
)

// pipeBytes is how much a pipe of the command may hold: the most that every
// user may ask for (/proc/sys/fs/pipe-max-size).
const pipeBytes = 1 << 20

// command is the process we keep.
type command struct {
	cmd      *exec.Cmd
	started  Started
	consoles []*console
	master   *os.File // of its terminal, or nil

	mu    sync.Mutex
	ended bool // nothing of it is there to be signalled
}

// startCommand starts path with pipes, or with a terminal where we have one.
func startCommand(cfg *Config, path string) (*command, error) {
	c := &command{cmd: &exec.Cmd{Path: path, Args: cfg.Argv, Env: cfg.Env, Dir: cfg.Dir, Stdin: cfg.Stdin}}
	theirs, err := c.connect(cfg)
	defer closeAll(theirs)
	if err == nil {
		c.started.Time = time.Now()
		if err = c.cmd.Start(); err != nil {
			// The file was there a moment ago: its format or its interpreter is at fault.
			err = &StartError{cfg.Argv[0], 126, err}
		}
	}
	if err != nil {
		c.close()
		return nil, err
	}
	c.started.PID = c.cmd.Process.Pid
	c.started.Terminal = c.master != nil
	// It has not been waited for, so the number is still its own.
	c.started.StartTicks, _ = pidwatch.StartTicks(c.started.PID)
	return c, nil
}

// connect gives the command its three files. It returns those that are ours
// to close once the command has them.
func (c *command) connect(cfg *Config) (theirs []*os.File, err error) {
	if isTerminal(cfg.Stdout) {
		tty, err := c.openTerminal(cfg)
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, tty)
		c.cmd.Stdout = tty
		if isTerminal(cfg.Stderr) {
			c.cmd.Stderr = tty
			return theirs, nil
		}
	} else {
		w, err := c.openPipe(false)
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, w)
		c.cmd.Stdout = w
	}
	w, err := c.openPipe(true)
	if err != nil {
		return theirs, err
	}
	c.cmd.Stderr = w
	return append(theirs, w), nil
}

// openTerminal makes the command the leader of a session of its own on a new
// terminal, which has the size and the modes of ours.
func (c *command) openTerminal(cfg *Config) (tty *os.File, err error) {
	master, tty, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open pseudo-terminal: %w", err)
	}
	// Not master itself: asking it for its descriptor makes it blocking.
	fd, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	master.Close()
	if err != nil {
		tty.Close()
		return nil, fmt.Errorf("open pseudo-terminal: %w", err)
	}
	c.master = pollable(fd, "pty")
	c.consoles = append(c.consoles, &console{file: c.master, terminal: true})
	copyModes(cfg.Stdout, tty, isTerminal(cfg.Stdin))
	copySize(cfg.Stdout, c.master)
	attr := &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1}
	if isTerminal(cfg.Stdin) {
		c.cmd.Stdin = tty
	}
	c.cmd.SysProcAttr = attr
	return tty, nil
}

// openPipe makes a pipe, keeps its read end and returns the other.
func (c *command) openPipe(stderr bool) (*os.File, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	// A user with many pipes is refused, and keeps the usual 64 KiB.
	unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeBytes)
	c.consoles = append(c.consoles, &console{file: pollable(fds[0], "console"), stderr: stderr})
	return os.NewFile(uintptr(fds[1]), "console"), nil
}

// wait waits for the command's end and leaves it uncollected: what the kernel
// has counted for it and for the children that it waited for can still be read,
// and its number is its own. Nobody else's child is touched.
func (c *command) wait() Status {
	var info siginfo
	for {
		err := unix.Waitid(unix.P_PID, c.started.PID, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	return statusOf(&info)
}

// collect lets the kernel forget a command that has ended.
func (c *command) collect() { c.cmd.Wait() }

// signal sends s to the command, or to its group where it leads one.
func (c *command) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
	case c.master != nil:
		syscall.Kill(-c.started.PID, s)
	default:
		syscall.Kill(c.started.PID, s)
	}
}

func (c *command) close() {
	for _, con := range c.consoles {
		con.file.Close()
	}
}

// pollable makes fd non-blocking and hands it to the runtime's poller.
func pollable(fd int, name string) *os.File {
	unix.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), name)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func isTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }
