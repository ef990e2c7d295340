//go:build linux

package pidwatch

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// stat is what we need of /proc/PID/stat (proc_pid_stat(5)).
type stat struct {
	state byte   // field 3; Z is a zombie
	start uint64 // field 22, clock ticks since boot
	exit  uint32 // field 52, a wait status; 0 unless we may trace the process
}

// parseStat reads the line of /proc/PID/stat. The name in field 2 may hold
// spaces and brackets, so counting starts after the last bracket.
func parseStat(line []byte) (stat, error) {
	var s stat
	i := bytes.LastIndexByte(line, ')')
	if i < 0 {
		return s, fmt.Errorf("parse process stat %q: no name", line)
	}
	rest := line[i+1:]
	for field := 3; ; field++ {
		rest = bytes.TrimLeft(rest, " ")
		end := bytes.IndexAny(rest, " \n")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return s, fmt.Errorf("parse process stat %q: ends before field %d", line, field)
		}
		word := rest[:end]
		rest = rest[end:]
		var err error
		switch field {
		case 3:
			s.state = word[0]
		case 22:
			s.start, err = strconv.ParseUint(string(word), 10, 64)
		case 52:
			var v uint64
			v, err = strconv.ParseUint(string(word), 10, 32)
			s.exit = uint32(v)
		}
		if err != nil {
			return s, fmt.Errorf("parse process stat field %d %q: %w", field, word, err)
		}
		if field == 52 {
			return s, nil
		}
	}
}

// StartTicks returns the start time of the process that has the number pid
// now, as Process.StartTicks does.
func StartTicks(pid int) (uint64, error) {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	s, err := parseStat(line)
	return s.start, err
}

// leaderOf returns the process that the thread tid belongs to.
func leaderOf(tid int) (int, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(text) {
		if v, ok := bytes.CutPrefix(line, []byte("Tgid:")); ok {
			n, err := strconv.Atoi(string(bytes.TrimSpace(v)))
			return n, err == nil
		}
	}
	return 0, false
}
