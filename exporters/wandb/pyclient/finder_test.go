package pyclient

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// proc is a procfs of a test's own.
type proc struct {
	t    *testing.T
	root string
}

func newProc(t *testing.T) *proc { return &proc{t, t.TempDir()} }

func (p *proc) newest(pid int) {
	p.write("loadavg", fmt.Sprintf("0.1 0.2 0.3 1/99 %d\n", pid))
}

func (p *proc) write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// process makes one; open are the files that it has open.
func (p *proc) process(pid, parent int, exe string, environ []string, open ...string) {
	p.t.Helper()
	dir := strconv.Itoa(pid)
	p.write(dir+"/comm", exe+"\n")
	p.write(dir+"/stat", fmt.Sprintf("%d (a) b) S %d 0 0", pid, parent))
	p.write(dir+"/environ", strings.Join(environ, "\x00")+"\x00")
	os.Remove(filepath.Join(p.root, dir, "exe"))
	p.link("/opt/bin/"+exe, dir+"/exe")
	p.write(dir+"/fd/.keep", "")
	for i, path := range append([]string{"/dev/null"}, open...) {
		p.link(path, dir+"/fd/"+strconv.Itoa(i))
	}
}

func (p *proc) link(to, name string) {
	p.t.Helper()
	if err := os.Symlink(to, filepath.Join(p.root, name)); err != nil {
		p.t.Fatal(err)
	}
}

// logOf makes a client's run directory and returns its log.
func logOf(t *testing.T, id string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "offline-run-20260101_120000-"+id)
	log := filepath.Join(dir, "run-"+id+".wandb")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, []byte(":W&B"), 0o600); err != nil {
		t.Fatal(err)
	}
	return log
}

func ids(dirs []*runlog.Dir) string {
	var all []string
	for _, d := range dirs {
		all = append(all, d.RunID)
	}
	return strings.Join(all, " ")
}

// TestFinder: a service becomes one after its birth as a copy of Python; those of
// other trees, and of an exec inside ours, are not ours. Seen to fail with one look
// at each process, and without "last" in inTree.
func TestFinder(t *testing.T) {
	p := newProc(t)
	mine, other, nested := []string{"A=b", "WANDB_AGENT_EXEC=us"}, []string{"WANDB_AGENT_EXEC=them"}, []string{"WANDB_AGENT_EXEC=us", "WANDB_AGENT_EXEC=inner"}
	p.newest(100)
	p.process(90, 1, "wandb-core", other, logOf(t, "other"))
	p.process(95, 1, "wandb-core", nested, logOf(t, "nested"))
	f := Finder{Proc: p.root, Mark: "WANDB_AGENT_EXEC=us"}
	want := func(what, dirs string) {
		t.Helper()
		if got := ids(f.Look()); got != dirs {
			t.Errorf("%s: got %q, want %q", what, got, dirs)
		}
	}
	want("nothing of ours yet", "")
	p.process(101, 1, "python3.11", mine)
	p.process(102, 101, "python3.11", mine)
	p.newest(102)
	want("a program that may become anything", "")
	if !f.Python() || f.Service() {
		t.Errorf("python %v, service %v", f.Python(), f.Service())
	}
	os.RemoveAll(filepath.Join(p.root, "102"))
	p.process(102, 101, "wandb-core", mine)
	want("a service without a run", "")
	os.RemoveAll(filepath.Join(p.root, "102"))
	p.process(102, 101, "wandb-core", mine, logOf(t, "first"), logOf(t, "second"), "/tmp/run-x.wandb")
	want("a service with runs", "first second")
	os.RemoveAll(filepath.Join(p.root, "102"))
	want("a service that is gone", "")
}

// TestFinderByParents is attach, which has no mark, and numbers that wrap.
func TestFinderByParents(t *testing.T) {
	p := newProc(t)
	p.newest(900)
	p.process(10, 1, "bash", nil)
	p.process(11, 10, "python3", nil)
	p.process(12, 11, "wandb-core", nil, logOf(t, "mine"))
	p.process(20, 1, "wandb-core", nil, logOf(t, "other"))
	f := Finder{Proc: p.root, Root: 10}
	if got := ids(f.Look()); got != "mine" {
		t.Errorf("got %q", got)
	}
	p.newest(30)
	p.process(30, 11, "wandb-core", nil, logOf(t, "late"))
	if got := ids(f.Look()); got != "mine late" {
		t.Errorf("after the numbers wrapped: got %q", got)
	}
}

// TestWriting asks the real procfs about a process called like the service.
func TestWriting(t *testing.T) {
	log := logOf(t, "w")
	dir := &runlog.Dir{Path: filepath.Dir(log), RunID: "w"}
	if Writing(dir) {
		t.Error("nobody writes")
	}
	service := filepath.Join(t.TempDir(), "wandb-core")
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(sleep, service); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.CommandContext(t.Context(), service, "60")
	cmd.ExtraFiles = []*os.File{file}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	if _, err := os.Stat("/proc/self/comm"); err == nil && !Writing(dir) {
		t.Error("its writer was not seen")
	}
}
