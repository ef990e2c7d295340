package main

import (
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
	both := []*server{ours, theirs}
	for _, s := range both {
		if err := s.watch(5); err != nil {
			return nil, err
		}
		s.cpu0, _, _ = procCost(s.cmd.Process.Pid)
	}
	start := time.Now()
	for range o.seconds {
		for _, s := range both {
			if err := s.watch(0); err != nil {
				return nil, err
			}
		}
		time.Sleep(time.Second)
	}
	perMinute := 60 / time.Since(start).Seconds()
	a, am, err := procCost(ours.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	b, bm, err := procCost(theirs.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	a, b = (a-ours.cpu0)*perMinute, (b-theirs.cpu0)*perMinute
	return []row{
		{"host agent, 1 s samples, scraped at 1 Hz, CPU", fmt.Sprintf("%.2f s/min", a), fmt.Sprintf("%.2f s/min", b), "node_exporter 1.12.1", ratio(a, b), "<= 0.1 s/min sampling"},
		{"host agent, resident memory", fmt.Sprintf("%.1f MiB", am), fmt.Sprintf("%.1f MiB", bm), "node_exporter 1.12.1", ratio(am, bm), "<= 25 MiB"},
	}, nil
}

// server is a process that serves /metrics on loopback.
type server struct {
	cmd  *exec.Cmd
	url  string
	cpu0 float64
}

func startServer(bin, sub, listenFlag string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	args := []string{listenFlag + "=" + addr}
	if sub != "" {
		args = append([]string{sub}, args...)
	}
	s := &server{cmd: exec.Command(bin, args...), url: "http://" + addr + "/metrics"}
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
