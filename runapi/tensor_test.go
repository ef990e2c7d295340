package runapi

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// TestTensors: a tensor in a row and in the summary, live, and at the server
// with its file.
func TestTensors(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.ID = "r1"
	r := start(t, s)
	weights, err := media.NewTensor([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Log(map[string]any{"w": weights, "layer": map[string]any{"b": weights}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Summary().SetTensor("final", weights); err != nil {
		t.Fatal(err)
	}
	if err := r.Summary().Sub("layer").SetTensor("last", weights); err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	run := loadDir(t, r.Dir())
	w, _ := run.History[0].Values["w"].(map[string]any)
	if w["_type"] != "histogram" || w["mean"] != 3.5 || w["dtype"] != "float32" || !reflect.DeepEqual(w["shape"], []any{int64(2), int64(3)}) || w["path"] != nil {
		t.Errorf("row: got %v", w)
	}
	if b := run.History[0].Values["layer"].(map[string]any)["b"]; !reflect.DeepEqual(b, any(w)) {
		t.Errorf("nested in a row: got %v", b)
	}
	sent := summaryOf(t, p.run(t, "r1").Summary)
	layer, _ := sent["layer"].(map[string]any)
	for what, v := range map[string]any{"summary": sent["final"], "nested": layer["last"]} {
		object, _ := v.(map[string]any)
		path, _ := object["path"].(string)
		if object["var"] == nil || object["p95"] != 5.75 || object["max"] != int64(6) || !strings.HasPrefix(path, "media/tensor/") {
			t.Errorf("%s: got %v", what, object)
		}
		text, err := os.ReadFile(filepath.Join(r.FilesDir(), path))
		if err != nil || !strings.HasPrefix(string(text), "\x93NUMPY") {
			t.Errorf("%s: got a file of %d bytes (%v)", what, len(text), err)
		}
	}
	if err := (*Run)(nil).Summary().SetTensor("x", weights); err != nil {
		t.Error(err)
	}
}
