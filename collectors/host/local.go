//go:build linux

package host

import (
	"errors"
	"slices"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// localfs measures all local filesystems, and keeps the mount table fresh for
// everybody.
type localfs struct {
	choice *filesystems
	seen   uint64 // version of the mount table that list was made for
	list   []*filesystem
}

func (l *localfs) describe(r *registrar) error {
	err := l.choice.mounts.refresh()
	targets := l.targets()
	l.list = l.list[:0]
	for _, t := range targets {
		s := newFilesystem(t, l.choice.calls)
		if err := s.describe(r); err != nil {
			return err
		}
		l.list = append(l.list, s)
	}
	if len(l.list) == 0 {
		return err
	}
	return nil
}

func (l *localfs) targets() []target {
	l.seen = l.choice.mounts.version.Load()
	return l.choice.local()
}

func (l *localfs) collect(t *tick) error {
	err := l.choice.mounts.refresh()
	if l.choice.mounts.version.Load() != l.seen && l.changed() {
		return sample.ErrChanged
	}
	for _, s := range l.list {
		if bad := s.collect(t); bad != nil {
			err = errors.Join(err, bad)
		}
	}
	return err
}

// changed reports whether the mounts that count are others now.
func (l *localfs) changed() bool {
	return !slices.EqualFunc(l.targets(), l.list, func(t target, s *filesystem) bool { return t == s.target })
}

func (l *localfs) close() { l.choice.mounts.close() }
