//go:build linux

package tree

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary started again is a process of a test tree: TREE_HELPER says
// which part it plays.
const roleVar = "TREE_HELPER"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		runtime.GOMAXPROCS(1)
		helpers[role](os.Args[1:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var helpers = map[string]func(args []string){
	"root": rootMain, "mid": midMain, "work": workMain, "short": shortMain, "threads": threadsMain,
}

// report is what a helper says about itself at its end, as the kernel told it.
type report struct {
	CPU    float64 // s, getrusage(RUSAGE_SELF)
	Minflt int64
	Write  uint64 // bytes, /proc/self/io
	RSS    uint64 // bytes, smaps_rollup while the memory was held
}

func selfReport() report {
	var ru syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &ru))
	b, err := os.ReadFile("/proc/self/io")
	must(err)
	c, _ := parseIO(b)
	cpu := time.Duration(ru.Utime.Nano() + ru.Stime.Nano()).Seconds()
	return report{CPU: cpu, Minflt: ru.Minflt, Write: c.write}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "helper:", err)
		os.Exit(3)
	}
}

func save(path string, r report) {
	b, _ := json.Marshal(r)
	must(os.WriteFile(path+".tmp", b, 0o600))
	must(os.Rename(path+".tmp", path))
}

func load(path string) (r report, ok bool) {
	b, err := os.ReadFile(path)
	return r, err == nil && json.Unmarshal(b, &r) == nil
}

// helper returns a command that plays role. Its children inherit env.
func helper(role string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(append(os.Environ(), env...), roleVar+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// rootMain plays the followed process: on each line "MODE ROLE DIR" it starts
// ROLE in the given mode and answers when that has ended.
func rootMain([]string) {
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		f := strings.Fields(in.Text())
		before := selfReport()
		startIn(f[0], f[1], f[2])
		after := selfReport()
		save(filepath.Join(f[2], "root"), report{CPU: after.CPU - before.CPU, Minflt: after.Minflt - before.Minflt})
		fmt.Println("done")
	}
}

func startIn(mode, role, dir string) {
	switch mode {
	case "reaped":
		must(helper(role, nil, dir).Run())
	case "zombie":
		must(helper(role, nil, dir).Start())
		waitFor(dir)
	case "ignored":
		signal.Ignore(syscall.SIGCHLD)
		must(helper(role, nil, dir).Start())
		waitFor(dir)
	case "orphan":
		must(helper("mid", nil, role, dir).Run())
		waitFor(dir)
	}
}

// waitFor waits until the worker has reported and exited.
func waitFor(dir string) {
	for {
		if _, ok := load(filepath.Join(dir, "work")); ok {
			b, err := os.ReadFile(filepath.Join(dir, "pid"))
			must(err)
			pid, _ := strconv.Atoi(string(b))
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if st, ok := parseStat(line); err != nil || (ok && st.dead()) {
				return
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// midMain is the first half of a double fork: it starts the worker and is gone.
func midMain(args []string) {
	must(helper(args[0], nil, args[1]).Start())
	save(filepath.Join(args[1], "mid"), selfReport())
}

const (
	workMemory = 512 << 20
	workFile   = 200 << 20
	workCPU    = 3.0 // seconds
)

// workMain allocates and holds until told to go on, writes and syncs a file,
// burns CPU, and reports.
func workMain(args []string) {
	dir := args[0]
	must(os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600))
	mem, err := syscall.Mmap(-1, 0, workMemory, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	must(err)
	for i := 0; i < len(mem); i += 4096 {
		mem[i] = 1
	}
	b, err := os.ReadFile("/proc/self/smaps_rollup")
	must(err)
	save(filepath.Join(dir, "holding"), report{RSS: rollupRSS(b)})
	for {
		if _, err := os.Stat(filepath.Join(dir, "release")); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	must(syscall.Munmap(mem))
	writeSynced(filepath.Join(dir, "data"))
	burnUntil(workCPU)
	save(filepath.Join(dir, "work"), selfReport())
}

func rollupRSS(b []byte) uint64 {
	v, ok := statusLine(b, "Rss")
	if !ok {
		return 0
	}
	kb, _ := strconv.ParseUint(strings.Fields(string(v))[0], 10, 64)
	return kb << 10
}

func writeSynced(path string) {
	f, err := os.Create(path)
	must(err)
	block := make([]byte, 1<<20)
	for range workFile >> 20 {
		_, err := f.Write(block)
		must(err)
	}
	must(f.Sync())
	must(f.Close())
}

// burnUntil keeps a core busy until this process has used that many seconds.
func burnUntil(seconds float64) {
	for x := 1; selfCPU() < seconds; {
		for range 1 << 20 {
			x = x*1664525 + 1013904223
		}
		runtime.KeepAlive(x)
	}
}

func selfCPU() float64 {
	var ru syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &ru))
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano()).Seconds()
}

// shortMain runs 200 children that end at once, each waited for.
func shortMain(args []string) {
	var ru syscall.Rusage
	for range 200 {
		must(exec.Command("/bin/true").Run())
	}
	must(syscall.Getrusage(syscall.RUSAGE_CHILDREN, &ru))
	r := selfReport()
	r.CPU += time.Duration(ru.Utime.Nano() + ru.Stime.Nano()).Seconds()
	r.Minflt += ru.Minflt
	save(filepath.Join(args[0], "work"), r)
}

// threadsMain keeps as many threads and ends with its standard input.
func threadsMain(args []string) {
	n, _ := strconv.Atoi(args[0])
	for range n {
		go func() {
			runtime.LockOSThread()
			_ = syscall.Pause()
		}()
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// follower is a root process and how to talk to it.
type follower struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startRoot(t testing.TB, env []string, attr *syscall.SysProcAttr) *follower {
	t.Helper()
	cmd := helper("root", env)
	cmd.SysProcAttr = attr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	f := &follower{cmd: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		in.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	f.expect(t, "ready")
	return f
}

func (f *follower) expect(t testing.TB, want string) {
	t.Helper()
	line, err := f.out.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != want {
		t.Fatalf("root said %q, %v; want %q", line, err, want)
	}
}
