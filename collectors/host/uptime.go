//go:build linux

package host

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// uptime reads /proc/uptime.
type uptime struct {
	file file
	ref  sample.Ref
}

func newUptime(path string) *uptime { return &uptime{file: file{path: path, once: true}} }

func (u *uptime) describe(r *registrar) error {
	if _, err := u.file.read(&r.buf); err != nil {
		return err
	}
	u.ref = r.gauge("system.uptime")
	return nil
}

func parseUptime(b []byte) (seconds float64, err error) {
	seconds, _, ok := procfile.Float(b)
	if !ok {
		return 0, fmt.Errorf("parse uptime %q: no number", b)
	}
	return seconds, nil
}

func (u *uptime) collect(t *tick) error {
	b, err := u.file.read(&t.buf)
	if err != nil {
		return err
	}
	seconds, err := parseUptime(b)
	if err != nil {
		return err
	}
	t.f.Put(u.ref, seconds)
	return nil
}

func (u *uptime) close() { u.file.close() }
