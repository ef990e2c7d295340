package runlog

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// State is what a run's records add up to: identity, config, metric
// definitions, summary. A program that logs folds its rows in with [State.Row]
// as it writes them; a reader folds a log in with [State.Apply]. Both end with
// the same state, which is how [Repair] finds the summary of a crashed run.
//
// The zero value is not ready: use [NewState]. One goroutine at a time.
type State struct {
	Run         *wandbpb.RunRecord         // all run records merged, without the config; nil if there was none
	Environment *wandbpb.EnvironmentRecord // merged; nil if there was none
	Telemetry   *wandbpb.TelemetryRecord   // merged; nil if there was none
	Exit        *wandbpb.RunExitRecord     // the first one; nil if there was none
	Rows        int64                      // history rows
	LastStep    int64                      // of the last row; -1 if there was none
	LastRuntime float64                    // of the last row, seconds

	config  map[string]any
	metrics metrics
	summary summary
	derive  bool    // rows change the summary
	steps   []*leaf // scratch of Row: step metrics to be inserted
}

var wandbRuntimeKey = NewKey("_wandb", "runtime")

// NewState starts with nothing.
func NewState() *State {
	return &State{LastStep: -1, config: map[string]any{}, derive: true}
}

// Config is the config as nested objects, bare values. It is the caller's
// only to read and changes with the next record.
func (s *State) Config() map[string]any { return s.config }

// Metrics are the definitions, globs included, in the order they came.
func (s *State) Metrics() []*wandbpb.MetricRecord { return s.metrics.list() }

// Summary is the summary as nested objects, made new on every call.
func (s *State) Summary() map[string]any { return s.summary.tree() }

// TakeSummary returns a record with the summary values that changed since the
// last call, marked as derived; nil if none did. Write it after the rows it
// covers.
func (s *State) TakeSummary() *wandbpb.SummaryRecord { return s.summary.take() }

// WholeSummary returns a record with every summary value, as TakeSummary does.
// It must be in a log whose oldest rows are to be removed (see [Writer.Trim]).
func (s *State) WholeSummary() *wandbpb.SummaryRecord { return s.summary.whole() }

// Row folds a row in. It returns metric definitions that globs give to keys
// seen for the first time, to be written before the row, and appends to
// r.Items the step metrics that the definitions ask for. Where nothing is new
// it does not allocate.
func (s *State) Row(r *Row) []*wandbpb.MetricRecord {
	var expanded []*wandbpb.MetricRecord
	s.Rows++
	s.LastStep, s.LastRuntime = r.Step, r.Runtime
	s.steps = s.steps[:0]
	for i := range r.Items {
		l := s.summary.leaves[r.Items[i].Key]
		if l == nil || !l.met || l.step != nil && l.step.gone {
			var m *wandbpb.MetricRecord
			if l, m = s.meet(r.Items[i].Key); m != nil {
				expanded = append(expanded, m)
			}
		}
		l.row = s.Rows
		s.summary.see(l, &r.Items[i])
		if l.step != nil {
			s.steps = append(s.steps, l.step)
		}
	}
	for _, l := range s.steps {
		if l.row != s.Rows {
			l.row = s.Rows
			r.Items = append(r.Items, Item{Key: l.key, F: l.latest()})
			s.summary.see(l, &r.Items[len(r.Items)-1])
		}
	}
	s.own(r)
	return expanded
}

// own folds in the values that the writer adds to every row.
func (s *State) own(r *Row) {
	for _, it := range [...]Item{
		{Key: stepKey, Kind: Int, I: r.Step},
		{Key: runtimeKey, F: r.Runtime},
		{Key: timestampKey, F: r.Timestamp},
		{Key: wandbRuntimeKey, Kind: Int, I: runtimeSeconds(r.Runtime)},
	} {
		s.summary.see(s.summary.leaf(it.Key), &it)
	}
}

// meet finds what definitions mean for a key that no row had since they came.
func (s *State) meet(key Key) (*leaf, *wandbpb.MetricRecord) {
	l := s.summary.leaf(key)
	l.met = true
	var m *wandbpb.MetricRecord
	if l.def = s.metrics.find(key.Path()); l.def == nil {
		if m = s.metrics.expand(key.Path()); m != nil {
			l.def = s.metrics.define(m)
		}
	}
	s.link(l)
	return l, m
}

// link finds the step metric that rows with this leaf must have.
func (s *State) link(l *leaf) {
	l.step = nil
	if name := l.def.GetStepMetric(); name != "" && l.def.GetOptions().GetStepSync() && !strings.HasPrefix(name, "_") {
		if key := NewKey(splitName(name)...); key != l.key {
			l.step = s.summary.leaf(key)
		}
	}
}

// Define adds or merges a metric definition, also for keys already seen.
func (s *State) Define(m *wandbpb.MetricRecord) {
	def := s.metrics.define(m)
	if def.GetName() == "" { // a glob: keys that have no definition may match it
		for _, l := range s.summary.leaves {
			l.met = l.met && l.def != nil
		}
		return
	}
	path := splitName(def.GetName())
	for _, key := range [...]Key{NewKey(path...), NewKey(strings.Join(path, "."))} {
		if l := s.summary.leaves[key]; l != nil {
			l.def = s.metrics.find(key.Path())
			s.link(l)
			s.summary.touch(l)
		}
	}
}

// Apply folds any record in. The error is about one value that is not JSON;
// the rest of the record counts.
func (s *State) Apply(rec *wandbpb.Record) error {
	switch r := rec.GetRecordType().(type) {
	case *wandbpb.Record_Header:
		s.derive = strings.HasPrefix(r.Header.GetVersionInfo().GetProducer(), producer)
	case *wandbpb.Record_Run:
		return s.applyRun(r.Run)
	case *wandbpb.Record_Config:
		return applyConfig(s.config, r.Config)
	case *wandbpb.Record_Metric:
		s.Define(r.Metric)
	case *wandbpb.Record_Summary:
		s.summary.apply(r.Summary)
	case *wandbpb.Record_History:
		s.applyHistory(r.History)
	case *wandbpb.Record_Environment:
		s.applyEnvironment(r.Environment)
	case *wandbpb.Record_Telemetry:
		s.applyTelemetry(r.Telemetry)
	case *wandbpb.Record_Exit:
		if s.Exit == nil {
			s.Exit = r.Exit
		}
	}
	return nil
}

func (s *State) applyRun(r *wandbpb.RunRecord) error {
	err := applyConfig(s.config, r.GetConfig())
	if r.GetTelemetry() != nil {
		s.applyTelemetry(r.GetTelemetry())
	}
	update := proto.Clone(r).(*wandbpb.RunRecord)
	update.Config, update.Cleared = nil, nil
	if s.Run == nil {
		s.Run = update
		return err
	}
	for _, what := range r.GetCleared() {
		switch what {
		case "notes":
			s.Run.Notes = ""
		case "tags":
			s.Run.Tags = nil
		}
	}
	if len(update.Tags) > 0 { // an empty list says "no change", another one replaces
		s.Run.Tags = nil
	}
	if len(update.Joined) > 0 {
		s.Run.Joined = nil
	}
	if update.StartTime != nil {
		s.Run.StartTime = nil
	}
	proto.Merge(s.Run, update)
	return err
}

func (s *State) applyEnvironment(e *wandbpb.EnvironmentRecord) {
	if s.Environment == nil {
		s.Environment = &wandbpb.EnvironmentRecord{}
	}
	if len(e.GetArgs()) > 0 { // lists are given whole, not in parts
		s.Environment.Args = nil
	}
	if len(e.GetGpuNvidia()) > 0 {
		s.Environment.GpuNvidia = nil
	}
	if len(e.GetGpuAmd()) > 0 {
		s.Environment.GpuAmd = nil
	}
	proto.Merge(s.Environment, e)
}

func (s *State) applyTelemetry(t *wandbpb.TelemetryRecord) {
	if s.Telemetry == nil {
		s.Telemetry = &wandbpb.TelemetryRecord{}
	}
	proto.Merge(s.Telemetry, t)
}

// applyHistory takes a finished row from a log: its definitions and inserted
// step metrics are in the log already.
func (s *State) applyHistory(h *wandbpb.HistoryRecord) {
	s.Rows++
	s.LastStep = h.GetStep().GetNum()
	for _, item := range h.GetItem() {
		it := itemOf(item)
		switch it.Key {
		case stepKey:
			s.LastStep = it.I
		case runtimeKey:
			s.LastRuntime, _ = number(&it)
		case writerRowKey, writerStepRowKey:
			continue
		}
		if !s.derive {
			continue
		}
		l := s.summary.leaf(it.Key)
		if l.def == nil {
			l.def = s.metrics.find(it.Key.Path())
		}
		s.summary.see(l, &it)
	}
	if s.derive {
		s.summary.see(s.summary.leaf(wandbRuntimeKey), &Item{Kind: Int, I: runtimeSeconds(s.LastRuntime)})
	}
}

// itemOf reads an item of the log; what is not a number stays JSON.
func itemOf(item *wandbpb.HistoryItem) Item {
	it := Item{Key: NewKey(itemPath(item)...), Kind: JSON, JSON: []byte(item.GetValueJson())}
	v, err := xjson.Decode(it.JSON)
	if err != nil {
		it.JSON = xjson.AppendString(nil, item.GetValueJson())
		return it
	}
	switch v := v.(type) {
	case int64:
		it.Kind, it.I, it.JSON = Int, v, nil
	case float64:
		it.Kind, it.F, it.JSON = Float, v, nil
	}
	return it
}
