package media

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

func tensor[N Number](t *testing.T, data []N, shape ...int) *Tensor {
	t.Helper()
	out, err := NewTensor(data, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestNPY: the bytes are those of numpy.save, of numpy 2.4.
func TestNPY(t *testing.T) {
	type weight float32
	f := func(in *Tensor, size int, sum string) {
		t.Helper()
		in.Save = true
		var store runMemory
		object, err := in.StoreMedia(&store)
		if err != nil {
			t.Fatal(err)
		}
		text := store.files[object["path"].(string)]
		hash := sha256.Sum256([]byte(text))
		if got := hex.EncodeToString(hash[:8]); len(text) != size || got != sum || !strings.HasSuffix(object["path"].(string), ".npy") {
			t.Errorf("%v of %v: got %d bytes, %s in %v, want %d, %s", object["dtype"], object["shape"], len(text), got, object["path"], size, sum)
		}
	}
	f(tensor(t, []weight{1.5, -2, 3, 4, 5, 6.25}, 2, 3), 152, "e705fd82908dae0a")
	f(tensor(t, []int{-2, -1, 0, 1, 2}), 168, "304539a2a5b1fff0")
	f(tensor(t, []uint8{0, 255}), 130, "b9248eeeaaf7f42e")
	f(tensor(t, []int16{-1, 300}), 132, "7404463e33bfbcfa")
	f(tensor(t, []float64{1e300}, 1, 1, 1), 136, "d52c15b488b7da3e")
	f(tensor(t, []uint64{1 << 63}), 136, "32b4b0360311c4ce")
	f(tensor(t, []int32{-7}), 132, "fc8f027b45612a72")
	f(tensor(t, []float64{}, 0, 3), 128, "4aa7aa40d1bbd6bb")
}

// TestTensorStats: as numpy's mean, var and percentile have it.
func TestTensorStats(t *testing.T) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = math.Pow(float64(999-i), 1.5)
	}
	got := tensor(t, values, 10, 100).Stats()
	want := TensorStats{1000, 0, 0, math.Pow(999, 1.5), 12633.303179734565, 89899900.76890853, 11163.5777657198, 29237.056624636305, 31102.910157554197}
	for what, pair := range map[string][2]float64{
		"min": {got.Min, want.Min}, "max": {got.Max, want.Max}, "mean": {got.Mean, want.Mean}, "var": {got.Var, want.Var},
		"p50": {got.P50, want.P50}, "p95": {got.P95, want.P95}, "p99": {got.P99, want.P99}, "count": {float64(got.Count), 1000},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-12*math.Abs(pair[1]) {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}
	odd := tensor(t, []float32{1, float32(math.NaN()), 3, float32(math.Inf(1))}).Stats()
	if odd != (TensorStats{Count: 4, NonFinite: 2, Min: 1, Max: 3, Mean: 2, Var: 1, P50: 2, P95: 2.9, P99: 2.98}) && math.Abs(odd.P95-2.9)+math.Abs(odd.P99-2.98) > 1e-9 {
		t.Errorf("with NaN and infinity: got %+v", odd)
	}
	if got := tensor(t, []float64{math.NaN()}).Stats(); got != (TensorStats{Count: 1, NonFinite: 1}) {
		t.Errorf("nothing finite: got %+v", got)
	}
	if got := (*Tensor)(nil).Stats(); got != (TensorStats{}) || new(Tensor).Len() != 0 {
		t.Errorf("no tensor: got %+v", got)
	}
}

func TestTensorObject(t *testing.T) {
	object, err := tensor(t, []int{1, 2, 3, 10}).StoreMedia(&runMemory{})
	if err != nil || object["_type"] != "histogram" || len(object["bins"].([]float64)) != TensorBins+1 || object["mean"] != 4.0 || object["dtype"] != "int64" || object["path"] != nil {
		t.Errorf("got %v, %v", object, err)
	}
	wide, err := tensor(t, []float64{-math.MaxFloat64, math.MaxFloat64}).StoreMedia(&runMemory{})
	if err != nil || wide["_type"] != "tensor" || wide["max"] != math.MaxFloat64 {
		t.Errorf("a range beyond a float64: got %v, %v", wide, err)
	}
	none, err := tensor(t, []float64{math.NaN()}).StoreMedia(&runMemory{})
	if _, ok := none["mean"]; err != nil || ok || none["nonfinite"] != 1 {
		t.Errorf("nothing finite: got %v, %v", none, err)
	}
	for _, bad := range []*Tensor{nil, {}} {
		if _, err := bad.StoreMedia(&runMemory{}); !errors.Is(err, errNil) {
			t.Errorf("no tensor: got %v", err)
		}
	}
	for _, shape := range [][]int{{3}, {-1, -4}, {math.MaxInt, 2}, {0}} {
		if _, err := NewTensor([]float64{1, 2, 3, 4}, shape...); err == nil {
			t.Errorf("shape %v was taken", shape)
		}
	}
	if got, _ := NewTensor([]float64{1, 2}, 2, 1); got.Len() != 2 || len(got.Shape()) != 2 {
		t.Errorf("got %d numbers of shape %v", got.Len(), got.Shape())
	}
}
