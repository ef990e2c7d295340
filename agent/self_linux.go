package agent

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// process reads the process's own memory and CPU time. The zero process is
// ready to use.
type process struct {
	statm *os.File
	tried bool
	buf   [128]byte
	usage syscall.Rusage
}

// rss returns the resident memory in bytes from /proc/self/statm, whose second
// field counts pages (proc_pid_statm(5)).
func (p *process) rss() (float64, bool) {
	if !p.tried {
		p.tried = true
		p.statm, _ = os.Open("/proc/self/statm")
	}
	if p.statm == nil {
		return 0, false
	}
	n, _ := p.statm.ReadAt(p.buf[:], 0)
	return parseStatm(p.buf[:n])
}

// parseStatm returns the second field in bytes.
func parseStatm(b []byte) (float64, bool) {
	_, rest, ok := bytes.Cut(b, []byte{' '})
	if !ok {
		return 0, false
	}
	field, _, ok := bytes.Cut(rest, []byte{' '})
	if !ok {
		return 0, false
	}
	pages, err := strconv.ParseUint(string(field), 10, 63)
	if err != nil {
		return 0, false
	}
	return float64(pages) * float64(os.Getpagesize()), true
}

// cpu returns user and system time in seconds (getrusage(2)).
func (p *process) cpu() (float64, bool) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &p.usage); err != nil {
		return 0, false
	}
	return float64(p.usage.Utime.Nano()+p.usage.Stime.Nano()) / 1e9, true
}

func (p *process) close() error {
	if p.statm == nil {
		return nil
	}
	err := p.statm.Close()
	p.statm, p.tried = nil, false
	if err != nil {
		return fmt.Errorf("close the agent's own statm: %w", err)
	}
	return nil
}
