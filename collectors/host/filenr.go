//go:build linux

package host

import (
	"fmt"
	"math"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// filenr reads /proc/sys/fs/file-nr.
type filenr struct {
	file             file
	allocated, limit sample.Ref
}

func newFilenr(path string) *filenr { return &filenr{file: file{path: path, once: true}} }

func (n *filenr) describe(r *registrar) error {
	if _, err := n.file.read(&r.buf); err != nil {
		return err
	}
	n.allocated = r.gauge("system.linux.file_descriptors.allocated")
	n.limit = r.gauge("system.linux.file_descriptors.limit")
	return nil
}

// parseFilenr reads allocated handles and their limit; the field between is
// always 0 since Linux 2.6.
func parseFilenr(b []byte) (allocated, limit uint64, err error) {
	allocated, rest, ok := procfile.Uint(b)
	if ok {
		limit, _, ok = procfile.Uint(procfile.Skip(rest, 1))
	}
	if !ok {
		return 0, 0, fmt.Errorf("parse file-nr %q: not three numbers", b)
	}
	return allocated, limit, nil
}

func (n *filenr) collect(t *tick) error {
	b, err := n.file.read(&t.buf)
	if err != nil {
		return err
	}
	allocated, limit, err := parseFilenr(b)
	if err != nil {
		return err
	}
	t.f.Put(n.allocated, float64(allocated))
	if limit < math.MaxInt64 { // the kernel's word for no limit
		t.f.Put(n.limit, float64(limit))
	}
	return nil
}

func (n *filenr) close() { n.file.close() }
