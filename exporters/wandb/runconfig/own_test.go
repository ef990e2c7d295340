package runconfig

import (
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTelemetry(t *testing.T) {
	imports := &wandbpb.Imports{}
	var unknown []byte
	for _, n := range []protowire.Number{3, 55} {
		unknown = protowire.AppendVarint(protowire.AppendTag(unknown, n, protowire.VarintType), 1)
	}
	imports.ProtoReflect().SetUnknown(unknown)
	got := asJSON(t, Telemetry(&wandbpb.TelemetryRecord{
		ImportsInit: imports, Feature: &wandbpb.Feature{Finish: true, SetInitName: true}, CliVersion: "0.1", Platform: "linux-x86_64",
		Label: &wandbpb.Labels{CodeString: "x"},
	}))
	want := `{"1":[3,55],"13":"linux-x86_64","3":[2,13],"5":"0.1","9":{"1":"x"}}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := asJSON(t, Telemetry(nil)); got != "{}" { // its presence is what counts
		t.Errorf("no telemetry: got %s, want {}", got)
	}
}

func TestMetrics(t *testing.T) {
	got := asJSON(t, Metrics([]*wandbpb.MetricRecord{
		{Name: "loss", StepMetric: "epoch", Options: &wandbpb.MetricOptions{StepSync: true, Defined: true}, Summary: &wandbpb.MetricSummary{Min: true, P50: true}}, // p50 is ours alone
		{GlobName: "val/*"},
		{Name: "val/acc", Goal: 2, ExpandedFromGlob: true},
	}))
	want := `[{"1":"loss","5":3,"6":[1,3],"7":[1]},{"1":"val/acc","6":[3],"7":[],"8":2},{"1":"epoch","6":[],"7":[]}]`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := asJSON(t, Metrics(nil)); got != "[]" {
		t.Errorf("no metrics: got %s, want []", got)
	}
}

func TestEnvironment(t *testing.T) {
	got := asJSON(t, Environment(&wandbpb.EnvironmentRecord{GpuType: "H", CpuCount: 4, Memory: &wandbpb.MemoryInfo{Total: 123}}))
	if want := `{"cpu_count":4,"gpu":"H","memory":{"total":"123"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if Environment(nil) != nil {
		t.Error("no environment gives an object")
	}
}

func TestYAML(t *testing.T) {
	got := string(AppendYAML(nil, map[string]any{"b": map[string]any{"value": "x y"}, "a": []any{int64(1), 2.5}}))
	if want := "a:\n    - 1\n    - 2.5\nb:\n    value: \"x y\"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
