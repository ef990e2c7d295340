package upload

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// inherited is what a resumed run keeps of its earlier sessions.
type inherited struct {
	Config  string   `json:"config,omitempty"`  // JSON {key: {value}}
	Summary string   `json:"summary,omitempty"` // JSON object
	Tags    []string `json:"tags,omitempty"`    // those of a run that began without tags of its own
	Notes   string   `json:"notes,omitempty"`
}

// tags are those of a run record beside the inherited ones, unless the run has
// said that its own are all; nil is no change.
func (in inherited) tags(run *wandbpb.RunRecord, cleared bool) []string {
	own := run.GetTags()
	if run.GetOwnTags() || len(in.Tags) == 0 {
		if own == nil && cleared {
			own = []string{}
		}
		return own
	}
	all := slices.Clone(in.Tags)
	for _, tag := range own {
		if !slices.Contains(all, tag) {
			all = append(all, tag)
		}
	}
	return all
}

// carried are the parts of the block _wandb that outlive a session.
var carried = []string{"viz", "visualize", "mask/class_labels", "bounding_box/class_labels"}

// config adds the top-level keys that the log does not set.
func (in inherited) config(out, own map[string]any) {
	v, err := xjson.Decode([]byte(in.Config))
	if err != nil {
		return
	}
	old, _ := v.(map[string]any)
	for key, value := range old {
		if _, set := out[key]; !set && key != runconfig.OwnKey {
			out[key] = value
		}
	}
	block, _ := old[runconfig.OwnKey].(map[string]any)
	block, _ = block["value"].(map[string]any)
	for _, key := range carried {
		from, _ := block[key].(map[string]any)
		for k, v := range from {
			to, _ := own[key].(map[string]any)
			if to == nil {
				to = map[string]any{}
			}
			if _, set := to[k]; !set {
				to[k] = v
			}
			own[key] = to
		}
	}
}

// record is the inherited summary as a record to begin with; nil if there is
// none.
func (in inherited) record() *wandbpb.Record {
	v, err := xjson.Decode([]byte(in.Summary))
	if err != nil {
		return nil
	}
	tree, _ := v.(map[string]any)
	sum := &wandbpb.SummaryRecord{Derived: true}
	for key, value := range tree {
		text, err := xjson.AppendValue(nil, value)
		if err == nil {
			sum.Update = append(sum.Update, &wandbpb.SummaryItem{NestedKey: []string{key}, ValueJson: string(text)})
		}
	}
	if len(sum.Update) == 0 {
		return nil
	}
	return &wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: sum}}
}

// former is what the server says of the earlier sessions of a run.
type former struct {
	lastStep int64   // -1: none
	runtime  float64 // whole seconds
}

// formerOf reads the resume query (see wandb/wandb core/internal/runbranch):
// the last step is that of the history's tail, else of the summary; the time
// used is the largest that is found.
func formerOf(info *api.ResumeInfo) former {
	f := former{lastStep: -1}
	summary := object([]byte(info.SummaryMetrics))
	f.step(summary)
	own, _ := summary[runconfig.OwnKey].(map[string]any)
	if v, ok := asFloat(own["runtime"]); ok {
		f.runtime = v
	} else if v, ok := asFloat(summary["_runtime"]); ok {
		f.runtime = v
	}
	tail := last(info.HistoryTail)
	f.step(tail)
	for _, line := range []map[string]any{tail, last(info.EventsTail)} {
		if v, ok := asFloat(line["_runtime"]); ok {
			f.runtime = max(f.runtime, v)
		}
	}
	f.runtime = math.Trunc(f.runtime)
	return f
}

func (f *former) step(line map[string]any) {
	if step, ok := line["_step"].(int64); ok {
		f.lastStep = step
	}
}

// last is the last object of a JSON list of JSON texts; nil if there is none.
func last(list string) map[string]any {
	var lines []string
	if json.Unmarshal([]byte(list), &lines) != nil || len(lines) == 0 {
		return nil
	}
	return object([]byte(lines[len(lines)-1]))
}

func object(text []byte) map[string]any {
	v, err := xjson.Decode(text)
	if err != nil {
		return nil
	}
	m, _ := v.(map[string]any)
	return m
}

func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}
