package tensorboard

import (
	"bytes"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// converted is what a file gives: for each event its step and its values.
type converted struct {
	wall   float64
	step   int64
	values map[string]any
}

func convertFile(t *testing.T, path string) (all []converted) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	known := tags{}
	for _, rec := range records(t, &scanner{from: bytes.NewReader(data)}) {
		e, err := parseEvent([]byte(rec))
		if err != nil {
			t.Fatal(err)
		}
		c := converted{e.wall, e.step, map[string]any{}}
		for i := range e.values {
			if x, ok := known.convert(&e.values[i]); ok {
				c.values[e.values[i].tag] = x
			}
		}
		if len(e.values) > 0 {
			all = append(all, c)
		}
	}
	return all
}

// TestFilesOfTensorboardX reads a file that tensorboardX 2.6.5 wrote: scalars by
// simple_value, a HistogramProto, an image, and text, which is not taken.
func TestFilesOfTensorboardX(t *testing.T) {
	all := convertFile(t, "testdata/torch/events.out.tfevents.1795836855.host")
	if len(all) != 5 {
		t.Fatalf("%d events, want 5: %v", len(all), all)
	}
	if !reflect.DeepEqual(all[0], converted{2000.25, 0, map[string]any{"loss": float32(0.5)}}) {
		t.Errorf("loss: %+v", all[0])
	}
	if x, ok := all[1].values["acc/top1"].(float32); !ok || x == x {
		t.Errorf("acc: %+v, want NaN", all[1])
	}
	want := &media.Histogram{Counts: []float64{1, 3, 1}, Edges: []float64{-1, 0, 1, 2}}
	if !reflect.DeepEqual(all[2].values["w"], want) {
		t.Errorf("histogram: %+v, want %+v", all[2].values["w"], want)
	}
	if img, ok := all[3].values["img"].(pictures); !ok || len(img) != 1 || img[0].format != "png" || img[0].width != 5 || img[0].height != 4 {
		t.Errorf("image: %+v", all[3].values["img"])
	}
	if len(all[4].values) != 0 {
		t.Errorf("text: %+v", all[4].values)
	}
}

// TestFilesOfTensorFlow2 reads a file that tensorboard 2.21.0 wrote: everything
// is a tensor, and only the first value of a tag says of what plugin.
func TestFilesOfTensorFlow2(t *testing.T) {
	all := convertFile(t, "testdata/tf2/events.out.tfevents.1795836855.host.1.0.v2")
	if len(all) != 4 {
		t.Fatalf("%d events, want 4: %v", len(all), all)
	}
	if !reflect.DeepEqual(all[0], converted{1000.5, 0, map[string]any{"loss": 0.25}}) {
		t.Errorf("loss: %+v", all[0])
	}
	if !reflect.DeepEqual(all[1], converted{1001.5, 1, map[string]any{"loss": 0.125}}) {
		t.Errorf("loss: %+v", all[1])
	}
	h, ok := all[2].values["w"].(*media.Histogram)
	if !ok || len(h.Counts) != 3 || h.Edges[0] != 1 || h.Edges[3] != 3 || h.Counts[0]+h.Counts[1]+h.Counts[2] != 4 {
		t.Errorf("histogram: %+v", h)
	}
	if img, ok := all[3].values["img"].(pictures); !ok || len(img) != 2 || img[1].width != 5 {
		t.Errorf("images: %+v", all[3].values["img"])
	}
}

func TestTensorNumbers(t *testing.T) {
	f := func(name string, x tensor, want []float64, wantErr error) {
		t.Helper()
		got, err := x.floats()
		if err != wantErr || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v, want %v, %v", name, got, err, want, wantErr)
		}
	}
	f("half", tensor{dtype: dtHalf, dims: []int64{4}, content: []byte{0, 0x3c, 0, 0xc0, 1, 0, 0xff, 0x7b}}, []float64{1, -2, math.Ldexp(1, -24), 65504}, nil)
	f("bfloat16", tensor{dtype: dtBfloat16, content: []byte{0x80, 0x3f}}, []float64{1}, nil)
	f("int8", tensor{dtype: dtInt8, content: []byte{0xff}}, []float64{-1}, nil)
	f("uint16", tensor{dtype: dtUint16, content: []byte{0xff, 0xff}}, []float64{65535}, nil)
	f("int64", tensor{dtype: dtInt64, content: []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, []float64{-2}, nil)
	f("one for all", tensor{dtype: dtFloat, dims: []int64{3}, numbers: []float64{7}}, []float64{7, 7, 7}, nil)
	f("empty", tensor{dtype: dtFloat, dims: []int64{0, 3}}, nil, nil)
	f("none", tensor{dtype: dtFloat}, nil, errShape)
	f("too many", tensor{dtype: dtFloat, numbers: []float64{1, 2}}, nil, errShape)
	f("huge", tensor{dtype: dtFloat, dims: []int64{1 << 40, 1 << 40}, numbers: []float64{1}}, nil, errShape)
	f("unknown shape", tensor{dtype: dtFloat, dims: []int64{-1}, numbers: []float64{1}}, nil, errShape)
	f("odd content", tensor{dtype: dtFloat, content: []byte{1, 2, 3}}, nil, errShape)
	f("text", tensor{dtype: 7, content: []byte{1}}, nil, errTensor)
}

func TestHistograms(t *testing.T) {
	f := func(name string, h histo, counts, edges []float64) {
		t.Helper()
		got, ok := histogramOf(&h)
		if !ok || !reflect.DeepEqual(got, &media.Histogram{Counts: counts, Edges: edges}) {
			t.Errorf("%s: got %+v, %v, want %v between %v", name, got, ok, counts, edges)
		}
	}
	f("empty first bin", histo{min: 1, limits: []float64{0, 1, 2}, buckets: []float64{0, 3, 4}}, []float64{3, 4}, []float64{0, 1, 2})
	f("first bin from the smallest", histo{min: -3, limits: []float64{0, 1}, buckets: []float64{2, 4}}, []float64{2, 4}, []float64{-3, 0, 1})
	f("all at the limit", histo{min: 1, limits: []float64{1}, buckets: []float64{9}}, []float64{9}, []float64{math.Nextafter(1, 0), 1})
	for _, h := range []histo{{}, {limits: []float64{1}}, {buckets: []float64{1}}} {
		if got, ok := histogramOf(&h); ok {
			t.Errorf("%+v gave %v", h, got)
		}
	}
	many := histo{limits: []float64{0}, buckets: []float64{0}}
	for i := range 1025 {
		many.limits, many.buckets = append(many.limits, float64(i+1)), append(many.buckets, 2)
	}
	got, _ := histogramOf(&many)
	h := got.(*media.Histogram)
	total := 0.0
	for _, c := range h.Counts {
		total += c
	}
	if len(h.Counts) > media.MaxBins || total != 2050 || h.Edges[0] != 0 || h.Edges[len(h.Edges)-1] != 1025 || len(h.Edges) != len(h.Counts)+1 {
		t.Errorf("%d bins, total %v, edges %v to %v", len(h.Counts), total, h.Edges[0], h.Edges[len(h.Edges)-1])
	}
}

// FuzzEvent: no bytes make the parser or what follows it fail, and what it says
// is stored can be stored.
func FuzzEvent(f *testing.F) {
	for _, path := range fixtures(f) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, rec := range records(f, &scanner{from: bytes.NewReader(data)}) {
			f.Add([]byte(rec))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseEvent(data)
		if err != nil {
			return
		}
		known := tags{}
		for i := range e.values {
			x, ok := known.convert(&e.values[i])
			if !ok {
				continue
			}
			switch x := x.(type) {
			case float32, float64:
			case *media.Histogram:
				if _, err := x.StoreMedia(nil); err != nil && len(x.Counts) > media.MaxBins {
					t.Errorf("histogram of %d bins: %v", len(x.Counts), err)
				}
			case pictures, animation:
			default:
				t.Errorf("value %T", x)
			}
		}
	})
}
