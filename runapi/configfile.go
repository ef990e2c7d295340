package runapi

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// configFile builds the content of config.yaml: every config key as
// {value: ...}, and the block _wandb that W&B keeps its own facts in (see
// wandb/wandb core/internal/runconfig).
func (r *Run) configFile() map[string]any {
	file := make(map[string]any)
	for key, value := range r.state.Config() {
		file[key] = map[string]any{"value": value}
	}
	own := r.ownConfig()
	if e := r.environmentTree(); e != nil {
		own["e"] = map[string]any{r.writer: e}
	}
	file[ownKey] = map[string]any{"value": own}
	return file
}

// ownKey is the config key that W&B keeps its own facts under.
const ownKey = "_wandb"

// ownConfig is what stands there. The server takes a run for started once it
// has t; uploaders that derive nothing find it in the log's config.
func (r *Run) ownConfig() map[string]any {
	return map[string]any{
		"cli_version": wandb.Version,
		"t":           byNumber(r.telemetry().ProtoReflect()),
		"m":           metricList(r.state.Metrics()),
	}
}

// environmentTree is wandb-metadata.json as a tree; nil when there is none.
func (r *Run) environmentTree() map[string]any {
	if r.state.Environment == nil {
		return nil
	}
	text, err := protojson.Marshal(r.state.Environment)
	if err != nil {
		return nil
	}
	v, err := xjson.Decode(text)
	if err != nil {
		return nil
	}
	m, _ := v.(map[string]any)
	return m
}

// metricList encodes metric definitions: each by field number, the step metric
// as the position of its own entry in the list, from 1. Definitions made from
// globs are left out, the globs stand for them.
func metricList(metrics []*wandbpb.MetricRecord) []any {
	var list []*wandbpb.MetricRecord
	at := make(map[string]int)
	for _, m := range metrics {
		if !m.GetExpandedFromGlob() {
			list = append(list, m)
			at[m.GetName()] = len(list)
		}
	}
	for _, m := range list {
		if step := m.GetStepMetric(); step != "" && at[step] == 0 {
			list = append(list, &wandbpb.MetricRecord{Name: step})
			at[step] = len(list)
		}
	}
	out := make([]any, len(list))
	for i, m := range list {
		if step := m.GetStepMetric(); step != "" {
			m.StepMetric, m.StepMetricIndex = "", int32(at[step])
		}
		e := byNumber(m.ProtoReflect())
		for _, field := range []string{"6", "7"} {
			if e[field] == nil {
				e[field] = []any{}
			}
		}
		out[i] = e
	}
	return out
}

// byNumber encodes a message as an object keyed by field numbers. Fields whose
// name starts with _ and plain bool and int64 fields are left out; a message of
// bools only is the list of the numbers that are true.
func byNumber(m protoreflect.Message) map[string]any {
	out := make(map[string]any)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		number := strconv.Itoa(int(f.Number()))
		switch {
		case strings.HasPrefix(string(f.Name()), "_") || f.IsList() || f.IsMap():
		case f.Kind() == protoreflect.MessageKind && onlyBools(f.Message()):
			out[number] = trueNumbers(v.Message())
		case f.Kind() == protoreflect.MessageKind:
			out[number] = byNumber(v.Message())
		case f.Kind() == protoreflect.StringKind:
			out[number] = v.String()
		case f.Kind() == protoreflect.Int32Kind:
			out[number] = v.Int()
		case f.Kind() == protoreflect.EnumKind:
			out[number] = int64(v.Enum())
		}
		return true
	})
	return out
}

func onlyBools(d protoreflect.MessageDescriptor) bool {
	for i := range d.Fields().Len() {
		if d.Fields().Get(i).Kind() != protoreflect.BoolKind {
			return false
		}
	}
	return true
}

func trueNumbers(m protoreflect.Message) []any {
	list := []any{}
	for i := range m.Descriptor().Fields().Len() {
		if f := m.Descriptor().Fields().Get(i); m.Get(f).Bool() {
			list = append(list, int64(f.Number()))
		}
	}
	return list
}
