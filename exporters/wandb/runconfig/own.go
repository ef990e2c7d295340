package runconfig

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// OwnKey is the config key that W&B keeps its own facts under.
const OwnKey = "_wandb"

// Environment is wandb-metadata.json as a tree; nil when e is nil.
func Environment(e *wandbpb.EnvironmentRecord) map[string]any {
	if e == nil {
		return nil
	}
	text, err := protojson.Marshal(e)
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

// Metrics encodes metric definitions: each by field number, the step metric
// as the position of its own entry in the list, from 1. Globs are left out, the
// definitions that they gave stand for them. The records are changed.
func Metrics(metrics []*wandbpb.MetricRecord) []any {
	var list []*wandbpb.MetricRecord
	at := make(map[string]int)
	for _, m := range metrics {
		if m.GetName() != "" {
			if m.Options == nil {
				m.Options = &wandbpb.MetricOptions{}
			}
			m.Options.Defined = true // also of those that a glob gave, as the official client has it
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

// Telemetry encodes a telemetry record for the key t.
func Telemetry(t *wandbpb.TelemetryRecord) map[string]any {
	if t == nil {
		t = &wandbpb.TelemetryRecord{}
	}
	return byNumber(t.ProtoReflect())
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

// trueNumbers lists the bools that are true, those too that this program has
// no name for: the imports of Python programs. Additions of ours, from 1000 up,
// say nothing to a server.
func trueNumbers(m protoreflect.Message) []any {
	list := []any{}
	for i := range m.Descriptor().Fields().Len() {
		if f := m.Descriptor().Fields().Get(i); f.Number() < 1000 && m.Get(f).Bool() {
			list = append(list, int64(f.Number()))
		}
	}
	for b := []byte(m.GetUnknown()); len(b) > 0; {
		num, typ, n := protowire.ConsumeField(b)
		if n < 0 {
			break
		}
		if v, _ := protowire.ConsumeVarint(b[protowire.SizeTag(num):n]); typ == protowire.VarintType && v == 1 {
			list = append(list, int64(num))
		}
		b = b[n:]
	}
	return list
}
