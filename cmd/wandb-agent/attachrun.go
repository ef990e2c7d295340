package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// joinProcess makes s a part of the run that a process has with runapi, unless
// another id was asked for. It returns the run's directory; nil when there is none.
func joinProcess(s *runapi.Settings, pid int) *runlog.Dir {
	dir := runDirOf(pid)
	if dir == nil || s.ID != "" && s.ID != dir.RunID {
		return nil
	}
	s.RunDir, s.Part = dir, true
	return dir
}

// runDirOf finds the run directory in which a process has a log open. That of
// the official client is found by runapi.
func runDirOf(pid int) *runlog.Dir {
	fds := "/proc/" + strconv.Itoa(pid) + "/fd"
	entries, err := os.ReadDir(fds)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		path, err := os.Readlink(filepath.Join(fds, e.Name()))
		ext := filepath.Ext(path)
		if err != nil || ext != ".wandb" && ext != ".part" || !strings.HasPrefix(filepath.Base(path), "run-") {
			continue
		}
		if dir, err := runlog.OpenDir(filepath.Dir(path)); err == nil {
			return dir
		}
	}
	return nil
}

// foldInto takes our part into the log of a run whose process is gone. As long
// as that one or another of the run lives, they will.
func foldInto(dir *runlog.Dir) error {
	alive, err := dir.Alive()
	if err != nil || alive {
		return err
	}
	if _, err := runlog.Repair(dir); err != nil && !errors.Is(err, runlog.ErrLocked) {
		return fmt.Errorf("add to run %s: %w", dir.Path, err)
	}
	return nil
}
