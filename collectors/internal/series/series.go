// Package series is the part that collectors of one process share: describing
// series from the catalogue, and ending them when the process is gone.
//
//	Describe ─▶ Begin, Add per series ─▶ Refs
//	Collect  ─▶ process gone? ─▶ its last counters once more ─▶ series ended
package series

import (
	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Set is the list of series of one collector. Its methods are for the
// collector's goroutine.
type Set struct {
	schema   *sample.Schema
	all      []sample.Ref
	counters []sample.Ref
	final    bool // the last counters were put
	ended    bool // the series were ended
}

// Begin forgets earlier descriptions; call it first in Describe.
func (s *Set) Begin(schema *sample.Schema) {
	s.schema, s.all, s.counters = schema, s.all[:0], s.counters[:0]
}

// Add describes one series by its catalogue name and label values. A counter
// counts from start (Clock time, ns; 0 unknown).
func (s *Set) Add(ref *sample.Ref, start int64, name string, labels ...string) error {
	d, err := catalog.Desc(name, labels...)
	if err != nil {
		return err
	}
	if *ref, err = s.schema.Add(d); err != nil {
		return err
	}
	s.all = append(s.all, *ref)
	if d.Kind == sample.Counter {
		s.counters = append(s.counters, *ref)
		if start != 0 {
			s.schema.SetStart(*ref, start)
		}
	}
	return nil
}

// Restart says that the counters count something else from start on.
func (s *Set) Restart(start int64) {
	for _, ref := range s.counters {
		s.schema.SetStart(ref, start)
	}
}

// Last is for each call after the process ended: the first time it reports
// true, and the final counters are to be put; the time after it ends the
// series, so that consumers meet the final frame with the series still live.
func (s *Set) Last() bool {
	if !s.final {
		s.final = true
		return true
	}
	if !s.ended {
		s.ended = true
		for _, ref := range s.all {
			s.schema.End(ref)
		}
	}
	return false
}
