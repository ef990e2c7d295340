package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cost is what one command took.
type cost struct {
	wall time.Duration
	rss  int64 // highest sum of the resident sizes of its processes, bytes
}

// runOnce runs a command to its end. A line seconds=X in its output replaces
// the wall time.
func runOnce(cmd *exec.Cmd) (cost, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var c cost
	for {
		select {
		case err := <-done:
			c.wall = time.Since(start)
			if err != nil {
				return c, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, tail(out.String()))
			}
			return c, c.said(out.String())
		case <-time.After(50 * time.Millisecond):
			c.rss = max(c.rss, treeRSS(cmd.Process.Pid))
		}
	}
}

// said takes over what the command measured itself.
func (c *cost) said(out string) error {
	for line := range strings.Lines(out) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "seconds="); ok {
			s, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return err
			}
			c.wall = time.Duration(s * float64(time.Second))
		}
	}
	return nil
}

func tail(out string) string { return out[max(0, len(out)-2000):] }

// treeRSS adds up the resident memory of a process and all below it.
func treeRSS(root int) int64 {
	parents := map[int]int{}
	pages := map[int]int64{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		parents[pid], _ = strconv.Atoi(f[1])
		pages[pid], _ = strconv.ParseInt(f[21], 10, 64)
	}
	var sum int64
	for pid := range parents {
		for at := pid; at != 0; at = parents[at] {
			if at == root {
				sum += pages[pid] * int64(os.Getpagesize())
				break
			}
		}
	}
	return sum
}

// median of several runs, by wall time; rss is the highest.
func median(runs []cost) cost {
	slices.SortFunc(runs, func(a, b cost) int { return int(a.wall - b.wall) })
	m := runs[len(runs)/2]
	for _, r := range runs {
		m.rss = max(m.rss, r.rss)
	}
	return m
}
