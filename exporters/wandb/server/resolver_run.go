package server

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// run is a run as a query sees it.
type run struct {
	r *resolver
	s *store.Run
	f store.Facts
}

func (r *resolver) run(s *store.Run) *run {
	if s == nil {
		return nil
	}
	return &run{r, s, s.Facts()}
}

func (r *run) ID() graphql.ID         { return graphql.ID(r.f.StorageID) }
func (r *run) InternalID() graphql.ID { return graphql.ID(r.f.StorageID) }
func (r *run) ProjectID() graphql.ID  { return graphql.ID(number(r.f.Entity + "/" + r.f.Project)) }
func (r *run) Name() string           { return r.f.Name }
func (r *run) DisplayName() *string   { return orNil(r.f.DisplayName) }
func (r *run) Description() *string   { return orNil(r.f.Description) }
func (r *run) Notes() *string         { return orNil(r.f.Notes) }
func (r *run) Tags() *[]string        { return &r.f.Tags }
func (r *run) Group() *string         { return orNil(r.f.Group) }
func (r *run) JobType() *string       { return orNil(r.f.JobType) }
func (r *run) Host() *string          { return orNil(r.f.Host) }
func (r *run) Commit() *string        { return orNil(r.f.Commit) }
func (r *run) State() *string         { return orNil(r.f.State) }
func (r *run) ReadOnly() bool         { return false }
func (r *run) CreatedAt() DateTime    { return DateTime{r.f.Created} }
func (r *run) HeartbeatAt() *DateTime { return &DateTime{r.f.Heartbeat} }
func (r *run) SweepName() *string     { return orNil(r.f.Sweep) }
func (r *run) Project() *project      { return r.r.project(r.f.Entity, r.f.Project) }
func (r *run) User() *user            { return r.r.user() }
func (r *run) Stopped() bool          { return r.f.Stopped }
func (r *run) ShouldStop() bool       { return r.f.Stopped }
func (r *run) Failed() bool           { return r.f.State == store.Failed }
func (r *run) Running() bool          { return r.f.State == store.Running }

// Exitcode is that of a run that has ended.
func (r *run) Exitcode() *int32 {
	if r.f.ExitCode == nil {
		return nil
	}
	return ptr(int32(*r.f.ExitCode))
}

// Config is what the client sent.
func (r *run) Config() *JSONString { return ptr(JSONString(r.s.Config())) }

// SummaryMetrics is the last summary, an empty object without one.
func (r *run) SummaryMetrics() *JSONString {
	if s := r.s.Summary(); s != nil {
		return ptr(JSONString(s))
	}
	return ptr(JSONString("{}"))
}

// SystemMetrics are the newest values.
func (r *run) SystemMetrics() *JSONString {
	_, n, _ := r.s.Counts()
	line := lastLine(r.s.Events, n)
	if line == nil {
		return ptr(JSONString("{}"))
	}
	return ptr(JSONString(line))
}

// WandbConfig picks keys of the _wandb block of the config.
func (r *run) WandbConfig(args struct{ Keys *[]string }) (*JSONString, error) {
	config, err := xjson.Decode(r.s.Config())
	if err != nil {
		return nil, err
	}
	picked := map[string]any{}
	entry, _ := config.(map[string]any)["_wandb"].(map[string]any)
	own, _ := entry["value"].(map[string]any)
	for k, v := range own {
		if args.Keys == nil || slices.Contains(*args.Keys, k) {
			picked[k] = v
		}
	}
	text, err := xjson.AppendValue(nil, picked)
	return ptr(JSONString(text)), err
}

func (r *run) HistoryLineCount() *int32 { n, _, _ := r.s.Counts(); return ptr(int32(n)) }
func (r *run) EventsLineCount() *int32  { _, n, _ := r.s.Counts(); return ptr(int32(n)) }
func (r *run) LogLineCount() *int32     { _, _, n := r.s.Counts(); return ptr(int32(n)) }

// lastLine is the last of n lines of history or events, nil without one.
func lastLine(get func(first, n int64) ([][]byte, error), n int64) []byte {
	lines, err := get(max(0, n-1), 1)
	if err != nil || len(lines) == 0 {
		return nil
	}
	return lines[0]
}

// HistoryTail is a list of the last lines, as JSON in JSON.
func (r *run) HistoryTail() (*JSONString, error) {
	n, _, _ := r.s.Counts()
	return tail(lastLine(r.s.History, n))
}

// EventsTail is HistoryTail for system metrics.
func (r *run) EventsTail() (*JSONString, error) {
	_, n, _ := r.s.Counts()
	return tail(lastLine(r.s.Events, n))
}

func tail(line []byte) (*JSONString, error) {
	list := []string{}
	if line != nil {
		list = append(list, string(line))
	}
	text, err := json.Marshal(list)
	return ptr(JSONString(text)), err
}

// HistoryKeys says which keys rows have, as the page's key list does.
func (r *run) HistoryKeys() (*JSON, error) {
	lines, err := r.s.History(0, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	keys, last := map[string]any{}, int64(-1)
	for _, line := range lines {
		row, err := flatRow(line)
		if err != nil {
			return nil, err
		}
		for k := range row {
			keys[k] = map[string]any{"typeCounts": []any{map[string]any{"type": "number", "count": len(lines)}}}
		}
		last = max(last, store.StepOf(line))
	}
	return &JSON{map[string]any{"sets": []any{}, "keys": keys, "lastStep": last}}, nil
}

// History gives rows with steps from minStep up to maxStep, not including it.
func (r *run) History(args struct {
	MinStep, MaxStep *Int64
	Samples          *int32
}) (*[]JSONString, error) {
	lines, err := r.s.History(0, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	lo, hi, n := int64(value(args.MinStep)), int64(math.MaxInt64), math.MaxInt32
	if args.MaxStep != nil {
		hi = int64(*args.MaxStep)
	}
	if args.Samples != nil {
		n = int(*args.Samples)
	}
	out := []JSONString{}
	for _, line := range lines {
		if step := store.StepOf(line); step >= lo && step < hi && len(out) < n {
			row, err := flatRow(line)
			if err != nil {
				return nil, err
			}
			text, _ := json.Marshal(row) // finite
			out = append(out, JSONString(text))
		}
	}
	return &out, nil
}

// Events gives system metrics.
func (r *run) Events(struct{ Samples *int32 }) (*[]JSONString, error) {
	lines, err := r.s.Events(0, math.MaxInt64)
	out := make([]JSONString, len(lines))
	for i, line := range lines {
		out[i] = plainJSON(line)
	}
	return &out, err
}

// flatRow is a row as readers get it: the keys of nested objects joined by
// dots, but for values of a type of their own, as images are.
func flatRow(line []byte) (map[string]any, error) {
	v, err := xjson.Decode(line)
	if err != nil {
		return nil, err
	}
	row, ok := finite(v).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("row %.100q is no object", line)
	}
	out := map[string]any{}
	flatten("", row, out)
	return out, nil
}

func flatten(prefix string, row, out map[string]any) {
	for k, v := range row {
		if inner, ok := v.(map[string]any); ok && inner["_type"] == nil {
			flatten(prefix+k+".", inner, out)
			continue
		}
		out[prefix+k] = v
	}
}

// plainJSON is a line for readers of plain JSON: non-finite numbers as text.
func plainJSON(line []byte) JSONString {
	if json.Valid(line) {
		return JSONString(line)
	}
	v, err := xjson.Decode(line)
	if err != nil {
		return JSONString(line)
	}
	text, _ := json.Marshal(finite(v))
	return JSONString(text)
}

func finite(v any) any {
	switch v := v.(type) {
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
	case map[string]any:
		for k := range v {
			v[k] = finite(v[k])
		}
	case []any:
		for i := range v {
			v[i] = finite(v[i])
		}
	}
	return v
}

// SampledHistory gives the rows that have all keys of each spec.
func (r *run) SampledHistory(args struct {
	Specs       []JSONString
	PackVersion *int32
}) (*[]JSON, error) {
	lines, err := r.s.History(0, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	out := []JSON{}
	for _, text := range args.Specs {
		var spec struct {
			Keys    []string `json:"keys"`
			Samples int      `json:"samples"`
		}
		if err := json.Unmarshal([]byte(text), &spec); err != nil {
			return nil, fmt.Errorf("spec: %w", err)
		}
		rows := []any{}
		for _, line := range lines {
			if row, ok := pick(line, spec.Keys); ok && (spec.Samples == 0 || len(rows) < spec.Samples) {
				rows = append(rows, row)
			}
		}
		out = append(out, JSON{rows})
	}
	return &out, nil
}

func pick(line []byte, keys []string) (map[string]any, bool) {
	row, err := flatRow(line)
	if err != nil {
		return nil, false
	}
	if len(keys) == 0 {
		return row, true
	}
	out := map[string]any{}
	for _, k := range keys {
		if row[k] == nil {
			return nil, false
		}
		out[k] = row[k]
	}
	return out, true
}

type parquetHistory struct {
	ParquetUrls []string
	LiveData    []JSON
}

// ParquetHistory has no files: all rows are live.
func (r *run) ParquetHistory(args struct{ LiveKeys *[]string }) (*parquetHistory, error) {
	lines, err := r.s.History(0, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	p := &parquetHistory{ParquetUrls: []string{}, LiveData: []JSON{}}
	for _, line := range lines {
		if row, ok := pick(line, nil); ok {
			p.LiveData = append(p.LiveData, JSON{row})
		}
	}
	return p, nil
}
