//go:build linux

package host

import "github.com/wandb-agent/wandb-agent/collectors/internal/procfile"

// file is a kernel file with a kept descriptor.
type file struct {
	path string
	f    *procfile.File
	once bool // the kernel writes all of it in one go
}

// read returns the content, valid until the next reading into buf. The file is
// opened by the first call.
func (s *file) read(buf *procfile.Buffer) ([]byte, error) {
	if s.f == nil {
		f, err := procfile.Open(s.path)
		if err != nil {
			return nil, err
		}
		s.f = f
	}
	if s.once {
		return s.f.ReadOnce(buf)
	}
	return s.f.Read(buf)
}

func (s *file) close() {
	if s.f != nil {
		s.f.Close()
		s.f = nil
	}
}
