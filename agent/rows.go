package agent

import (
	"github.com/wandb-agent/wandb-agent/agent/internal/ring"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// rowSource is the source under which a run's rows are appended.
type rowSource struct {
	id     sample.SourceID
	schema *sample.Schema
}

// RowSource returns the Source to set in frames of rows that the run logged,
// and the schema to describe their series with. Equal runs get equal answers
// until the run is finished.
func (a *Agent) RowSource(run sample.RunID) (sample.SourceID, *sample.Schema) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r, ok := a.rows[run]; ok {
		return r.id, r.schema
	}
	id := a.ring.AddSource(ring.Rows)
	r := rowSource{id: id, schema: a.schema.Scope(id, run)}
	a.rows[run] = r
	a.selectLocked(id, run, true)
	return r.id, r.schema
}

// Append hands a row to the outputs that select rows of its run. f.Source
// comes from RowSource, f.Time from Clock; a frame of another source, or of a
// finished run, is counted in Status and otherwise ignored. Append copies f,
// never blocks and does not allocate.
func (a *Agent) Append(f *sample.Frame) {
	if a.ring.Append(f) == 0 {
		a.unknown.Add(1)
	}
}
