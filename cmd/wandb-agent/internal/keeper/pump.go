package keeper

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const readBytes = 256 << 10

// grace is how long after the command's end a grandchild that still holds a
// pipe is listened to.
const grace = 2 * time.Second

// console is our end of a stream of the command: the read end of a pipe, or
// the master of its pseudo-terminal. The file is non-blocking and in the
// runtime's poller.
type console struct {
	file     *os.File
	stderr   bool
	terminal bool
}

// pump moves one stream of the command to our own and to the log.
type pump struct {
	from *console
	to   *output
	q    *queue
	// hangUp closes from everywhere, so that the command gets SIGPIPE. It is
	// called when our own stream's reader went away, and not for a terminal,
	// where it would take stdin away too.
	hangUp func(*console)
}

// run ends with the stream, with hangUp, or at the read deadline that stop sets.
func (p *pump) run() {
	buf := make([]byte, readBytes)
	for {
		n, err := p.from.file.Read(buf)
		p.pass(buf[:n])
		if p.to.gone && !p.from.terminal {
			p.drain(buf)
			p.hangUp(p.from)
			return
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			p.drain(buf)
			return
		case err != nil: // io.EOF; EIO when nobody has the terminal open
			return
		}
	}
}

// pass copies p to the log's queue and then to our own stream: the copy is
// there even if our stream blocks for ever.
func (p *pump) pass(b []byte) {
	if len(b) == 0 {
		return
	}
	p.q.push(p.from.stderr, time.Now().UnixNano(), b)
	p.to.write(b)
}

// drain passes on what the pipe holds now, and no more than a pipe can hold:
// a grandchild may go on writing.
func (p *pump) drain(buf []byte) {
	conn, err := p.from.file.SyscallConn()
	if err != nil {
		return
	}
	for left := pipeBytes; left > 0; {
		n := 0
		conn.Control(func(fd uintptr) { n, _ = unix.Read(int(fd), buf[:min(left, len(buf))]) })
		if n <= 0 {
			return
		}
		p.pass(buf[:n])
		left -= n
	}
}

// stop lets a pump wait for more until the grace is over.
func (p *pump) stop() { p.from.file.SetReadDeadline(time.Now().Add(grace)) }
