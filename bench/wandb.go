package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// officialName is the peer of these sections; the version is pinned in
// interop/wandb/requirements.txt.
const officialName = "official client 0.28.2"

// lab is a W&B server on this machine with two clients.
type lab struct {
	dir           string // of everything
	python, wandb string // of the official client
	agent, online string // our binaries
	url, server   string
	stop          func()
	repeat        int
}

// newLab builds what is needed and starts a server with an empty store.
func newLab(o *options) (*lab, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, err
	}
	l := &lab{repeat: o.repeat}
	venv := filepath.Join(root, "interop", ".cache", "wandb-venv", "bin")
	l.python, l.wandb = filepath.Join(venv, "python"), filepath.Join(venv, "wandb")
	if _, err := os.Stat(l.wandb); err != nil {
		return nil, fmt.Errorf("the official client is not there: run interop/setup.sh: %w", err)
	}
	if l.dir, err = os.MkdirTemp("", "wandb-bench-"); err != nil {
		return nil, err
	}
	l.online, l.server, l.agent = filepath.Join(l.dir, "online"), filepath.Join(l.dir, "wandb-server"), filepath.Join(l.dir, "wandb-agent")
	for _, b := range []struct{ bin, dir, pkg string }{
		{l.online, filepath.Join(root, "bench"), "./online"}, {l.server, root, "./cmd/wandb-server"}, {l.agent, root, "./cmd/wandb-agent"},
	} {
		cmd := exec.Command("go", "build", "-o", b.bin, b.pkg)
		cmd.Dir = b.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", b.pkg, err, out)
		}
	}
	return l, l.start()
}

func (l *lab) start() error {
	s, err := startServer(l.server, "", "--listen", "--dir", filepath.Join(l.dir, "store"))
	if err != nil {
		return err
	}
	l.url, l.stop = s.base, s.stop
	return nil
}

func (l *lab) close() {
	l.stop()
	os.RemoveAll(l.dir)
}

// command runs in a directory of its own against the server.
func (l *lab) command(name string, args ...string) *exec.Cmd {
	home, _ := os.MkdirTemp(l.dir, "home-")
	cmd := exec.Command(name, args...)
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "WANDB_BASE_URL="+l.url, "WANDB_API_KEY="+strings.Repeat("0", 40),
		"WANDB_ERROR_REPORTING=false", "WANDB_SILENT=true", "WANDB_MODE=online", "WANDB_ARTIFACT_DIR="+filepath.Join(home, "artifacts"))
	return cmd
}

// pair measures two commands in turn, as often as asked for.
func (l *lab) pair(ours, theirs func(i int) (*exec.Cmd, error)) (a, b cost, err error) {
	var costs [2][]cost
	for i := range l.repeat {
		for side, start := range []func(int) (*exec.Cmd, error){ours, theirs} {
			cmd, err := start(i)
			if err != nil {
				return a, b, err
			}
			c, err := runOnce(cmd)
			if err != nil {
				return a, b, err
			}
			costs[side] = append(costs[side], c)
		}
	}
	return median(costs[0]), median(costs[1]), nil
}

// against is a row of the table; budgets are how many times faster we want to
// be.
func against(what string, ours, theirs cost, budget string) row {
	seconds := func(c cost) string { return fmt.Sprintf("%.2f s %.0fMiB", c.wall.Seconds(), float64(c.rss)/(1<<20)) }
	return row{what, seconds(ours), seconds(theirs), officialName, fmt.Sprintf("1/%.1f", theirs.wall.Seconds()/ours.wall.Seconds()), budget}
}

// syncRun uploads one offline run of a million rows with each client.
func syncRun(o *options) ([]row, error) {
	l, err := newLab(o)
	if err != nil {
		return nil, err
	}
	defer l.close()
	write := l.command(l.online, "online", fmt.Sprint(o.rows))
	write.Env = append(write.Env, "WANDB_MODE=offline")
	if _, err := runOnce(write); err != nil {
		return nil, err
	}
	runs, _ := filepath.Glob(filepath.Join(write.Dir, "wandb", "offline-run-*"))
	if len(runs) != 1 {
		return nil, fmt.Errorf("want one offline run, got %q", runs)
	}
	copyRun := func(i int, side string) (string, error) {
		to := filepath.Join(l.dir, fmt.Sprint(side, i), filepath.Base(runs[0]))
		return to, os.CopyFS(to, os.DirFS(runs[0]))
	}
	id := func(i int, side string) string { return fmt.Sprintf("%s%d", side, i) }
	ours, theirs, err := l.pair(
		func(i int) (*exec.Cmd, error) {
			dir, err := copyRun(i, "ours")
			return l.command(l.agent, "sync", "--id", id(i, "ours"), dir), err
		},
		func(i int) (*exec.Cmd, error) {
			dir, err := copyRun(i, "theirs")
			return l.command(l.wandb, "sync", "--id", id(i, "theirs"), dir), err
		})
	return []row{against(fmt.Sprintf("sync of an offline run, %d rows of 5 values", o.rows), ours, theirs, "<= 1/20, 100 MiB")}, err
}

// onlineRun logs a tenth of these rows into a run that is sent while it goes on.
func onlineRun(o *options) ([]row, error) {
	l, err := newLab(o)
	if err != nil {
		return nil, err
	}
	defer l.close()
	rows := fmt.Sprint(o.rows / 10)
	ours, theirs, err := l.pair(
		func(int) (*exec.Cmd, error) { return l.command(l.online, "online", rows), nil },
		func(int) (*exec.Cmd, error) { return l.command(l.python, l.script(o), "online", rows), nil })
	return []row{against("online run of "+rows+" rows, first log to finished", ours, theirs, "<= 1/10")}, err
}

func (l *lab) script(o *options) string {
	path, _ := filepath.Abs(filepath.Join(o.root, "bench", "official", "client.py"))
	return path
}

// artifacts sends many small files and one large one up and gets them back.
func artifacts(o *options) ([]row, error) {
	l, err := newLab(o)
	if err != nil {
		return nil, err
	}
	defer l.close()
	var rows []row
	for _, c := range []struct {
		what  string
		files int
		size  int64
	}{{"10,000 files of 4 KiB", 10_000, 4 << 10}, {"one file of 2 GiB", 1, 2 << 30}} {
		found, err := l.artifact(o, c.what, c.files, c.size)
		rows = append(rows, found...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func (l *lab) artifact(o *options, what string, files int, size int64) ([]row, error) {
	data := func(i int, side string) (string, error) {
		dir := filepath.Join(l.dir, fmt.Sprintf("data-%s-%d-%d", side, files, i))
		return dir, fill(dir, files, size)
	}
	name := func(i int, side string) string { return fmt.Sprintf("%s-%d-%d", side, files, i) }
	ours, theirs, err := l.pair(
		func(i int) (*exec.Cmd, error) {
			dir, err := data(i, "ours")
			return l.command(l.online, "put", name(i, "ours"), dir), err
		},
		func(i int) (*exec.Cmd, error) {
			dir, err := data(i, "theirs")
			return l.command(l.python, l.script(o), "put", name(i, "theirs"), dir), err
		})
	if err != nil {
		return nil, err
	}
	rows := []row{against("artifact up, "+what, ours, theirs, "<= 1/2")}
	ours, theirs, err = l.pair(
		func(i int) (*exec.Cmd, error) {
			return l.command(l.agent, "artifact", "get", "bench/"+name(i, "ours")+":latest", filepath.Join(l.dir, name(i, "got"))), nil
		},
		func(i int) (*exec.Cmd, error) {
			return l.command(l.python, l.script(o), "get", name(i, "theirs"), filepath.Join(l.dir, name(i, "gotpy"))), nil
		})
	if err != nil {
		return rows, err
	}
	rows = append(rows, against("artifact down, "+what, ours, theirs, "<= 1/2"))
	copied, err := l.plainCopy(files)
	if err != nil {
		return rows, err
	}
	return append(rows, row{"artifact down, " + what, fmt.Sprintf("%.2f s", ours.wall.Seconds()), fmt.Sprintf("%.2f s", copied.wall.Seconds()),
		"16 parallel copies", ratio(ours.wall.Seconds(), copied.wall.Seconds()), "<= 1.3"}), nil
}

// fill makes a directory of files with content that nobody has.
func fill(dir string, files int, size int64) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	source := rand.NewChaCha8([32]byte{byte(files)})
	source.Seed([32]byte([]byte(fmt.Sprintf("%-32.32s", filepath.Base(dir)))))
	for i := range files {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%05d.bin", i)))
		if err != nil {
			return err
		}
		if _, err = io.CopyN(f, source, size); err == nil {
			err = f.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plainCopy is the floor of a transfer: the same files, 16 at a time.
func (l *lab) plainCopy(files int) (cost, error) {
	var runs []cost
	for i := range l.repeat {
		from := filepath.Join(l.dir, fmt.Sprintf("data-ours-%d-%d", files, i))
		to := filepath.Join(l.dir, fmt.Sprintf("copy-%d-%d", files, i))
		entries, err := os.ReadDir(from)
		if err != nil {
			return cost{}, err
		}
		if err := os.MkdirAll(to, 0o700); err != nil {
			return cost{}, err
		}
		start := time.Now()
		if err := copyAll(from, to, entries); err != nil {
			return cost{}, err
		}
		runs = append(runs, cost{wall: time.Since(start)})
		os.RemoveAll(to)
	}
	return median(runs), nil
}

func copyAll(from, to string, entries []os.DirEntry) error {
	names := make(chan string)
	errs := make(chan error, 16)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for name := range names {
				if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
					errs <- err
					for range names { // let the others end
					}
				}
			}
		})
	}
	for _, e := range entries {
		names <- e.Name()
	}
	close(names)
	wg.Wait()
	close(errs)
	return <-errs
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		return err
	}
	return dst.Close()
}
