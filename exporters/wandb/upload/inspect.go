package upload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Found is what a run directory tells before anything is sent.
type Found struct {
	Dir     *runlog.Dir
	Run     *wandbpb.RunRecord // the first one, with what a client has made of it; nil: the log was never begun
	Foreign bool               // another program wrote the log
	Online  bool               // it was sent while it was written, if all went well
	Synced  bool               // it was sent whole
	Alive   bool               // its writer is at it; cannot be told of foreign logs
}

// Inspect looks at a run without changing anything.
func Inspect(dir *runlog.Dir) (Found, error) {
	found := Found{Dir: dir, Online: !strings.HasPrefix(filepath.Base(absolute(dir.Path)), "offline-")}
	alive, err := dir.Alive()
	if err != nil {
		return found, fmt.Errorf("look at run %s: %w", dir.Path, err)
	}
	found.Alive = alive
	if err := found.head(); err != nil {
		return found, err
	}
	found.Run = runOf(dir, found.Run)
	pos, err := readPosition(PositionPath(dir))
	if err != nil && !errors.Is(err, errPosition) {
		return found, err
	}
	_, err = os.Stat(SyncedPath(dir.LogPath()))
	found.Synced = err == nil
	if pos != nil { // our own position knows better: there may be more by now
		found.Synced = pos.Complete && pos.Size == logBytes(dir)
	}
	return found, nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// headRecords is how far into a log its run record is looked for.
const headRecords = 64

// head reads the beginning of the log.
func (found *Found) head() error {
	tail, err := runlog.OpenTail(found.Dir.LogPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at run %s: %w", found.Dir.Path, err)
	}
	defer tail.Close()
	tail.Complete()
	for range headRecords {
		payload, err := tail.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look at run %s: %w", found.Dir.Path, err)
		}
		rec, ok := parseRecord(payload)
		switch {
		case ok && rec.kind == kindHeader:
			found.Foreign = !bytes.Contains(rec.body, []byte(producer))
		case ok && rec.kind == kindRun:
			msg := new(wandbpb.Record)
			if proto.Unmarshal(payload, msg) == nil {
				found.Run = msg.GetRun()
				return nil
			}
		}
	}
	return nil
}

// producer begins the name of the programs that write logs with package runlog.
const producer = "wandb-agent"

// FindRuns lists the runs of a wandb directory, oldest first by their names.
func FindRuns(wandbDir string) ([]*runlog.Dir, error) {
	entries, err := os.ReadDir(wandbDir)
	if err != nil {
		return nil, fmt.Errorf("look for runs: %w", err)
	}
	var dirs []*runlog.Dir
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() || !strings.HasPrefix(name, "run-") && !strings.HasPrefix(name, "offline-run-") {
			continue
		}
		if dir, err := runlog.OpenDir(filepath.Join(wandbDir, name)); err == nil {
			dirs = append(dirs, dir)
		}
	}
	slices.SortStableFunc(dirs, func(a, b *runlog.Dir) int {
		return strings.Compare(stamp(a.Path), stamp(b.Path))
	})
	return dirs, nil
}

// stamp is the part of a directory's name that says when its run began.
func stamp(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(filepath.Base(path), "offline-"), "run-")
}
