//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// TestNodesWithoutARoute: two nodes that cannot reach the server are ended as
// Slurm ends a job, SIGTERM and after a grace SIGKILL. What each has logged is one
// run afterwards. Seen to fail with an unknown exit counted as a good one in
// runlog's badness.
func TestNodesWithoutARoute(t *testing.T) {
	for _, c := range []struct {
		polite int // status of the node that heeds SIGTERM
		want   runlog.Exit
	}{
		{0, runlog.Exit{}},
		{143, runlog.Exit{Code: 143, Known: true}},
	} {
		t.Run(fmt.Sprint("exit", c.polite), func(t *testing.T) {
			t.Parallel()
			server := listener(t)
			local := []string{t.TempDir(), t.TempDir()} // disks of the nodes
			acked := []int{
				node(t, 0, local[0], server, strconv.Itoa(c.polite)),
				node(t, 1, local[1], server, "deaf"),
			}
			var dirs []*runlog.Dir
			for _, dir := range local { // both may have been made in one second, so that the names are equal
				third := filepath.Join(t.TempDir(), "wandb")
				if err := os.CopyFS(third, os.DirFS(filepath.Join(dir, "wandb"))); err != nil {
					t.Fatal(err)
				}
				found, err := runlog.FindSiblings(third, "job42")
				if err != nil || len(found) != 1 {
					t.Fatalf("got %v, %v, want the node's directory", found, err)
				}
				dirs = append(dirs, found...)
			}
			main, _, err := runlog.Join(dirs, runlog.JoinOptions{})
			if err != nil {
				t.Fatal(err)
			}
			run, err := runlog.Load(main)
			if err != nil {
				t.Fatal(err)
			}
			wantNodes(t, run, acked)
			if e := *run.Exit; e.Known != c.want.Known || e.Known && e.Code != c.want.Code {
				t.Errorf("exit: got %+v, want %+v", e, c.want)
			}
		})
	}
}

// wantNodes checks that every acknowledged row of both nodes is there, labelled,
// in the order in which its node has logged it.
func wantNodes(t *testing.T, run *runlog.Run, acked []int) {
	t.Helper()
	next := map[any]int64{}
	for i, row := range run.History {
		label := row.Values["_writer"]
		if row.Step != int64(i) || row.Values["_writer_step"] != next[label] || row.Values["i"] != next[label] {
			t.Fatalf("row %d: got step %d and %v, want row %d of %v", i, row.Step, row.Values, next[label], label)
		}
		next[label]++
	}
	for n, rows := range acked {
		label := fmt.Sprint("rank-", n)
		if rows == 0 || next[label] < int64(rows) {
			t.Errorf("%s: got %d rows, want the %d that were acknowledged", label, next[label], rows)
		}
		if v, ok := run.Config[label]; !ok || v != int64(n) {
			t.Errorf("config of %s: got %v", label, v)
		}
	}
	if len(next) != 2 {
		t.Errorf("got rows of %v, want two writers", next)
	}
}

// listener is a server that nodes may try to reach; it takes no connection.
func listener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// node runs nodePart in a network of its own until it is ended as Slurm does,
// and returns how many rows were acknowledged.
func node(t *testing.T, n int, dir, server, manners string) int {
	t.Helper()
	cmd := exec.Command("part", "node", dir, server, manners)
	cmd.Env = append(os.Environ(), fmt.Sprint("SLURM_PROCID=", n), "SLURM_NTASKS=2", "SLURM_LOCALID=0", fmt.Sprint("SLURM_NODEID=", n))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	collect := record(t, cmd)
	if err := exec.Command("unshare", "-Urn", "true").Run(); err != nil {
		t.Skipf("no user and network namespaces here: unshare -Urn: %v", err)
	}
	start(t, cmd)
	acked := func() int {
		out, _ := collect()
		return strings.Count(out, "row\n")
	}
	for deadline := time.Now().Add(patience); acked() < 50; time.Sleep(10 * time.Millisecond) {
		if out, errs := collect(); cmd.ProcessState != nil || strings.Contains(errs, "part:") || time.Now().After(deadline) {
			t.Fatalf("node %d has not begun: %s%s", n, out, errs)
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if manners == "deaf" {
		before := acked()
		for deadline := time.Now().Add(patience); acked() < before+10 && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond) // the grace
		}
		cmd.Process.Kill()
	}
	code := done(t, cmd)
	if want, _ := strconv.Atoi(manners); manners != "deaf" && code != want {
		_, errs := collect()
		t.Fatalf("node %d: exit %d, want %d: %s", n, code, want, errs)
	}
	return acked()
}

// nodePart logs rows, "row" on its output for each that Log has taken, until
// SIGTERM. args: where to keep the run, a server that it must not reach, and
// its exit status, or "deaf" to go on.
func nodePart(args []string) error {
	if conn, err := net.Dial("tcp", args[1]); err == nil {
		conn.Close()
		return errors.New("the node reaches the server")
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	run, err := runapi.Init(context.Background(), runapi.Settings{ID: "job42", Project: "nodes", Dir: args[0], Mode: runapi.ModeOffline, DisableGit: true, DisableStats: true})
	if err != nil {
		return err
	}
	if err := run.Config().Set(fmt.Sprint("rank-", rankOf()), rankOf()); err != nil {
		return err
	}
	for i := range math.MaxInt {
		if err := run.Log(map[string]any{"i": i}); err != nil {
			return err
		}
		os.Stdout.WriteString("row\n")
		select {
		case <-term:
			if args[2] == "deaf" {
				continue
			}
			code, err := strconv.Atoi(args[2])
			if err = errors.Join(err, run.Finish(code)); err != nil {
				return err
			}
			os.Exit(code)
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

func rankOf() int {
	n, _ := strconv.Atoi(os.Getenv("SLURM_PROCID"))
	return n
}
