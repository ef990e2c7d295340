//go:build linux

package host

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// loadavg reads /proc/loadavg.
type loadavg struct {
	file           file
	avg            [3]sample.Ref
	running, total sample.Ref
}

func newLoadavg(path string) *loadavg { return &loadavg{file: file{path: path, once: true}} }

func (l *loadavg) describe(r *registrar) error {
	if _, err := l.file.read(&r.buf); err != nil {
		return err
	}
	for i, span := range [...]string{"1m", "5m", "15m"} {
		l.avg[i] = r.gauge("system.cpu.load_average." + span)
	}
	l.running = r.gauge("system.linux.run_queue", "running")
	l.total = r.gauge("system.linux.run_queue", "total")
	return nil
}

// load is the content of the file.
type load struct {
	avg            [3]float64
	running, total uint64 // threads
}

func parseLoadavg(b []byte) (l load, err error) {
	rest, ok := b, true
	for i := range l.avg {
		if l.avg[i], rest, ok = procfile.Float(rest); !ok {
			return l, fmt.Errorf("parse loadavg %q: no average %d", b, i+1)
		}
	}
	if l.running, rest, ok = procfile.Uint(rest); !ok || len(rest) == 0 || rest[0] != '/' {
		return l, fmt.Errorf("parse loadavg %q: no running threads", b)
	}
	if l.total, _, ok = procfile.Uint(rest[1:]); !ok {
		return l, fmt.Errorf("parse loadavg %q: no threads", b)
	}
	return l, nil
}

func (l *loadavg) collect(t *tick) error {
	b, err := l.file.read(&t.buf)
	if err != nil {
		return err
	}
	now, err := parseLoadavg(b)
	if err != nil {
		return err
	}
	for i, v := range now.avg {
		t.f.Put(l.avg[i], v)
	}
	t.f.Put(l.running, float64(now.running))
	t.f.Put(l.total, float64(now.total))
	return nil
}

func (l *loadavg) close() { l.file.close() }
