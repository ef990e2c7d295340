package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// nodeExporter is the peer of the host agent, built from its module.
const nodeExporter = "github.com/prometheus/node_exporter@v1.12.1"

// wholeAgent runs the host agent and node_exporter side by side, each scraped
// once a second, and compares CPU seconds a minute and resident memory.
func wholeAgent(o *options) ([]row, error) {
	bin, err := filepath.Abs(filepath.Join(o.root, "bin", "wandb-agent"))
	if err != nil {
		return nil, err
	}
	peer, err := installed(nodeExporter, "node_exporter")
	if err != nil {
		return nil, err
	}
	ours, err := startServer(bin, "run", "--web.listen-address")
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	theirs, err := startServer(peer, "", "--web.listen-address")
	if err != nil {
		return nil, err
	}
	defer theirs.stop()
	for _, s := range []*server{ours, theirs} {
		if err := s.watch(5); err != nil {
			return nil, err
		}
	}
	alone, _, err := perMinute(o.seconds, func() error { return nil }, ours, theirs)
	if err != nil {
		return nil, err
	}
	scraped, rss, err := perMinute(o.seconds, func() error { return errors.Join(ours.watch(0), theirs.watch(0)) }, ours, theirs)
	if err != nil {
		return nil, err
	}
	cpu := func(v float64) string { return fmt.Sprintf("%.2f s/min", v) }
	mib := func(v float64) string { return fmt.Sprintf("%.1f MiB", v) }
	const name = "node_exporter 1.12.1"
	return []row{
		{"host agent, 1 s samples, not scraped, CPU", cpu(alone[0]), cpu(alone[1]), name + " (idle)", "", "<= 0.1 s/min"},
		{"host agent, 1 s samples, scraped at 1 Hz, CPU", cpu(scraped[0]), cpu(scraped[1]), name, ratio(scraped[0], scraped[1]), ""},
		{"host agent, resident memory", mib(rss[0]), mib(rss[1]), name, ratio(rss[0], rss[1]), "<= 25 MiB"},
	}, nil
}

// perMinute calls each once a second and returns the CPU seconds a minute and
// the resident MiB of the servers.
func perMinute(seconds int, each func() error, servers ...*server) (cpu, rss []float64, err error) {
	before := make([]float64, len(servers))
	for i, s := range servers {
		if before[i], _, err = procCost(s.cmd.Process.Pid); err != nil {
			return nil, nil, err
		}
	}
	start := time.Now()
	for range seconds {
		if err := each(); err != nil {
			return nil, nil, err
		}
		time.Sleep(time.Second)
	}
	scale := 60 / time.Since(start).Seconds()
	for i, s := range servers {
		c, m, err := procCost(s.cmd.Process.Pid)
		if err != nil {
			return nil, nil, err
		}
		cpu, rss = append(cpu, (c-before[i])*scale), append(rss, m)
	}
	return cpu, rss, nil
}

// server is a process that serves /metrics on loopback.
type server struct {
	cmd  *exec.Cmd
	base string // of every URL
	url  string // that is scraped
}

func startServer(bin, sub, listenFlag string, more ...string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	args := append([]string{listenFlag + "=" + addr}, more...)
	if sub != "" {
		args = append([]string{sub}, args...)
	}
	s := &server{cmd: exec.Command(bin, args...), base: "http://" + addr, url: "http://" + addr + "/metrics"}
	s.cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	return s, nil
}

// watch scrapes once, trying for the given seconds until the server is up.
func (s *server) watch(seconds int) error {
	for try := 0; ; try++ {
		resp, err := http.Get(s.url)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if err == nil || try >= seconds*10 {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
}

// installed builds a pinned program once into bench/.cache.
func installed(module, name string) (string, error) {
	dir, err := filepath.Abs(".cache")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	cmd := exec.Command("go", "install", module)
	cmd.Env = append(os.Environ(), "GOBIN="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("install %s: %w\n%s", module, err, out)
	}
	return path, nil
}
