//go:build linux

package main

import (
	"context"
	"encoding/json"
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

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// TestNodesWithoutARoute: two nodes that cannot reach the server are ended as
// Slurm ends a job, SIGTERM and after a grace SIGKILL. Copied to a third place and
// synced, what each has logged is one run at the server. Seen to fail with an unknown exit counted as a good one in
// runlog's badness.
func TestNodesWithoutARoute(t *testing.T) {
	for _, c := range []struct {
		polite int // status of the node that heeds SIGTERM
		code   int // of the run: 1 stands for one that nobody knows
	}{{0, 1}, {143, 143}} {
		t.Run(fmt.Sprint("exit", c.polite), func(t *testing.T) {
			t.Parallel()
			p := serve(t)
			address := strings.TrimPrefix(p.front.URL(), "http://")
			local := []string{t.TempDir(), t.TempDir()} // disks of the nodes
			acked := []int{
				node(t, 0, local[0], address, strconv.Itoa(c.polite)),
				node(t, 1, local[1], address, "deaf"),
			}
			var copies []string
			for _, dir := range local { // both may have been made in one second, so that the names are equal
				third := filepath.Join(t.TempDir(), "wandb")
				if err := os.CopyFS(third, os.DirFS(filepath.Join(dir, "wandb"))); err != nil {
					t.Fatal(err)
				}
				copies = append(copies, third)
			}
			cmd := p.online(append([]string{"sync"}, copies...)...)
			cmd.Env = append(cmd.Env, "WANDB_RUN_ID=")
			if s := says(t, cmd); s.code != 0 || strings.Count(s.stderr, "job42: sent") != 1 {
				t.Fatalf("sync: exit %d: %s", s.code, s.stderr)
			}
			if ids := p.Runs(server.DefaultEntity, "nodes"); len(ids) != 1 {
				t.Errorf("got runs %v, want one", ids)
			}
			run, err := p.Run(server.DefaultEntity, "nodes", "job42")
			if err != nil {
				t.Fatal(err)
			}
			wantNodes(t, run, acked)
			if run.ExitCode == nil || *run.ExitCode != c.code || run.State != "failed" {
				t.Errorf("exit: got state %s, code %v, want failed, %d", run.State, run.ExitCode, c.code)
			}
		})
	}
}

// wantNodes checks that every acknowledged row of both nodes is at the server,
// labelled, in the order in which its node has logged it.
func wantNodes(t *testing.T, run *server.Run, acked []int) {
	t.Helper()
	next := map[string]int64{}
	for i, line := range run.History {
		var row struct {
			Step   int64  `json:"_step"`
			Own    int64  `json:"_writer_step"`
			Writer string `json:"_writer"`
			I      int64  `json:"i"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if n := next[row.Writer]; row.Step != int64(i) || row.Own != n || row.I != n {
			t.Fatalf("row %d: got %+v, want row %d of its writer", i, row, n)
		}
		next[row.Writer]++
	}
	for n, rows := range acked {
		label := fmt.Sprint("rank-", n)
		if rows == 0 || next[label] < int64(rows) {
			t.Errorf("%s: got %d rows, want the %d that were acknowledged", label, next[label], rows)
		}
		if !strings.Contains(run.Config, strconv.Quote(label)) {
			t.Errorf("config of %s is missing: %s", label, run.Config)
		}
	}
	if len(next) != 2 {
		t.Errorf("got rows of %v, want two writers", next)
	}
}

// node runs nodePart in a network of its own until it is ended as Slurm does,
// and returns how many rows were acknowledged.
func node(t *testing.T, n int, dir, address, manners string) int {
	t.Helper()
	cmd := exec.Command("part", "node", dir, address, manners)
	cmd.Env = append(os.Environ(), fmt.Sprint("SLURM_PROCID=", n), "SLURM_NTASKS=2", "SLURM_LOCALID=0", fmt.Sprint("SLURM_NODEID=", n))
	cmd.SysProcAttr = ownNetwork()
	collect := record(t, cmd)
	probe := exec.Command("true")
	probe.SysProcAttr = ownNetwork()
	if err := probe.Run(); err != nil {
		t.Skipf("no user and network namespaces here: %v", err)
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

// ownNetwork puts a process into a network that reaches nothing.
func ownNetwork() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
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
