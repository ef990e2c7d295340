package runlog

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// metrics holds the metric definitions of a run in the order they came.
type metrics struct {
	byName map[string]*wandbpb.MetricRecord // names and globs
	order  []string
}

// define adds or merges a definition and returns the result.
func (ms *metrics) define(m *wandbpb.MetricRecord) *wandbpb.MetricRecord {
	if ms.byName == nil {
		ms.byName = map[string]*wandbpb.MetricRecord{}
	}
	name := m.GetName()
	if name == "" {
		name = m.GetGlobName()
	}
	old := ms.byName[name]
	if old == nil {
		ms.order = append(ms.order, name)
	}
	if old == nil || m.GetXControl().GetOverwrite() {
		old = proto.Clone(m).(*wandbpb.MetricRecord)
		old.XControl = nil
		ms.byName[name] = old
		return old
	}
	mergeMetric(old, m)
	return old
}

// mergeMetric: options and summary flags are or-ed, except that the newest
// "none" counts; step metric and goal are replaced where set.
func mergeMetric(old, m *wandbpb.MetricRecord) {
	none := m.GetSummary().GetNone()
	proto.Merge(old, &wandbpb.MetricRecord{
		Options: m.GetOptions(), Summary: m.GetSummary(),
		StepMetric: m.GetStepMetric(), Goal: m.GetGoal(),
	})
	if m.GetSummary() != nil {
		old.Summary.None = none
	}
}

// find returns the definition for a path, nil if there is none. The name a.b
// stands for the path a, b and for the single key "a.b"; a\.b only for the
// latter.
func (ms *metrics) find(path []string) *wandbpb.MetricRecord {
	if len(ms.byName) == 0 {
		return nil
	}
	escaped := make([]string, len(path))
	for i, part := range path {
		escaped[i] = strings.ReplaceAll(part, ".", `\.`)
	}
	if m := ms.byName[strings.Join(escaped, ".")]; m.GetName() != "" {
		return m
	}
	if m := ms.byName[strings.Join(path, ".")]; m.GetName() != "" {
		return m
	}
	return nil
}

// expand makes the definition that the longest matching glob gives a path, or
// nil. Keys that begin with an underscore match no glob.
func (ms *metrics) expand(path []string) *wandbpb.MetricRecord {
	name := strings.Join(path, ".")
	if strings.HasPrefix(name, "_") {
		return nil
	}
	var best *wandbpb.MetricRecord
	for _, m := range ms.byName {
		prefix, isGlob := strings.CutSuffix(m.GetGlobName(), "*")
		if isGlob && strings.HasPrefix(name, prefix) && (best == nil || len(m.GetGlobName()) > len(best.GetGlobName())) {
			best = m
		}
	}
	if best == nil {
		return nil
	}
	m := proto.Clone(best).(*wandbpb.MetricRecord)
	for i, part := range path {
		path[i] = strings.ReplaceAll(part, ".", `\.`)
	}
	m.Name, m.GlobName, m.ExpandedFromGlob = strings.Join(path, "."), "", true
	return m
}

// list returns copies of the definitions in the order they came.
func (ms *metrics) list() []*wandbpb.MetricRecord {
	var out []*wandbpb.MetricRecord
	for _, name := range ms.order {
		out = append(out, proto.Clone(ms.byName[name]).(*wandbpb.MetricRecord))
	}
	return out
}

// splitName turns the name of a metric into its path.
func splitName(name string) []string {
	const dot = "\x00"
	path := strings.Split(strings.ReplaceAll(name, `\.`, dot), ".")
	for i := range path {
		path[i] = strings.ReplaceAll(path[i], dot, ".")
	}
	return path
}
