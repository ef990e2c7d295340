//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// eventsPart writes event files below a directory as PyTorch does, until the
// file named "stop" is there, and prints how many steps they have. Each step has two scalars in
// each of two directories.
func eventsPart(args []string) error {
	dir := args[0]
	name := fmt.Sprintf("events.out.tfevents.%d.host", time.Now().Unix())
	var files []*os.File
	for _, sub := range []string{"", "eval"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(dir, sub, name))
		if err != nil {
			return err
		}
		defer f.Close()
		files = append(files, f)
	}
	for step := 0; ; step++ {
		for _, f := range files {
			for _, tag := range []string{"loss", "acc"} {
				if _, err := f.Write(scalarEvent(tag, step)); err != nil {
					return err
				}
			}
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "stop")); err == nil {
			_, err := fmt.Println(step + 1)
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// scalarEvent is a record of an event file: a scalar whose value is its step.
func scalarEvent(tag string, step int) []byte {
	v := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), tag)
	v = protowire.AppendFixed32(protowire.AppendTag(v, 2, protowire.Fixed32Type), math.Float32bits(float32(step)))
	summary := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), v)
	e := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(float64(time.Now().UnixNano())/1e9))
	e = protowire.AppendVarint(protowire.AppendTag(e, 2, protowire.VarintType), uint64(step))
	e = protowire.AppendBytes(protowire.AppendTag(e, 5, protowire.BytesType), summary)
	mask := func(b []byte) uint32 {
		c := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		return (c>>15 | c<<17) + 0xa282ead8
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(e)))
	b = binary.LittleEndian.AppendUint32(b, mask(b))
	return binary.LittleEndian.AppendUint32(append(b, e...), mask(e))
}

// wantEvents checks that a run has every value of so many steps once.
func wantEvents(t *testing.T, dir string, steps int) {
	t.Helper()
	seen := map[string]int{}
	run := shown(t, dir)
	for _, row := range run.History {
		values, _ := row.Values.(map[string]any)
		step := values["global_step"].(float64)
		for key, v := range values {
			if key != "global_step" && !strings.HasPrefix(key, "_") {
				if seen[fmt.Sprint(key, " ", step)]++; v != step {
					t.Fatalf("%s is %v at step %v", key, v, step)
				}
			}
		}
	}
	for step := range steps {
		for _, key := range []string{"loss", "acc", "eval/loss", "eval/acc"} {
			if n := seen[fmt.Sprint(key, " ", step)]; n != 1 {
				t.Fatalf("%s of step %d of %d is there %d times", key, step, steps, n)
			}
		}
	}
	if len(seen) != 4*steps {
		t.Errorf("%d values, want %d", len(seen), 4*steps)
	}
	for _, name := range []string{"events.out.tfevents.*", "eval/events.out.tfevents.*"} {
		if found, _ := filepath.Glob(filepath.Join(dir, "wandb", "latest-run", "files", name)); len(found) != 1 {
			t.Errorf("files of the run named %s: %q", name, found)
		}
	}
}

// TestExecFollowsEvents: exec and attach, with a program that ends right after
// its last event.
func TestExecFollowsEvents(t *testing.T) {
	t.Run("exec", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		events := filepath.Join(dir, "tb")
		stopSoon(t, dir)
		args := append([]string{"exec", "--tensorboard", events}, execArgs(dir, "part", "events", events)[1:]...)
		s := agentSays(t, args...)
		steps, err := strconv.Atoi(strings.TrimSpace(s.stdout))
		if err != nil || s.code != 0 {
			t.Fatalf("exit %d, %q: %s", s.code, s.stdout, s.stderr)
		}
		wantEvents(t, dir, steps)
	})
	t.Run("attach", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		events := filepath.Join(dir, "tb")
		program := exec.Command("part", "events", events)
		collect := record(t, program)
		start(t, program)
		stopSoon(t, dir)
		go program.Wait() // ends with the program
		s := agentSays(t, "attach", "--pid", strconv.Itoa(program.Process.Pid), "--dir", dir, "--tensorboard", events)
		stdout, _ := collect()
		steps, err := strconv.Atoi(strings.TrimSpace(stdout))
		if err != nil || s.code != 0 {
			t.Fatalf("exit %d, %q: %s", s.code, stdout, s.stderr)
		}
		wantEvents(t, dir, steps)
	})
}

// stopSoon ends an eventsPart of dir after two seconds.
func stopSoon(t *testing.T, dir string) {
	timer := time.AfterFunc(2*time.Second, func() { os.WriteFile(filepath.Join(dir, "stop"), nil, 0o600) })
	t.Cleanup(func() { timer.Stop() })
}

// TestEventsOfKilledWorkers kills the worker at random moments: every value is in
// the run once. Seen to fail without "f.before.has" in take of
// runapi/tensorboard (values are there twice).
func TestEventsOfKilledWorkers(t *testing.T) {
	kills := killRounds(t, 20)
	dir := t.TempDir()
	events := filepath.Join(dir, "tb")
	cmd := exec.Command("part", "quick", dir, "part", "events", events)
	cmd.Env = append(os.Environ(), eventsVariable+"="+events)
	collect := record(t, cmd)
	start(t, cmd)
	killed := 0
	for range kills {
		worker := 0
		eventually(t, "another worker", func() bool {
			worker = workerOf(cmd.Process.Pid)
			return worker != 0 && worker != killed
		})
		time.Sleep(time.Duration(rand.Int64N(int64(150 * time.Millisecond))))
		if err := syscall.Kill(worker, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatalf("worker %d: %v", worker, err)
		}
		killed = worker
	}
	touch(t, filepath.Join(dir, "stop"))
	if code := done(t, cmd); code != 0 {
		t.Errorf("exec exits with %d, want 0", code)
	}
	stdout, stderr := collect()
	steps, err := strconv.Atoi(strings.TrimSpace(stdout))
	if err != nil {
		t.Fatalf("%q: %s", stdout, stderr)
	}
	wantEvents(t, dir, steps)
}

// eventsVariable has quickPart follow event files.
const eventsVariable = "TEST_EVENTS_DIR"
