package media

import (
	"fmt"
	"math"
	"slices"
)

// TensorBins is how many bins a logged tensor has, as the official client makes
// of an array.
const TensorBins = 32

// Tensor is an array of numbers of any shape. Logged, it is a histogram of
// TensorBins bins, which W&B's pages draw, with the members of TensorStats and its
// shape and dtype beside; with Save, all of it is in a file of the run too, in
// numpy's format. The official client makes a list of an array of at most 32
// numbers; log a slice for that.
type Tensor struct {
	Save bool // keep the numbers as well, in a .npy file

	shape []int
	data  tensorData
}

// tensorData are the numbers of a tensor, of whatever type.
type tensorData interface {
	count() int
	finite() []float64 // a copy without NaN and the infinities, for the caller to keep
	histogram() (*Histogram, error)
	file(shape []int) File
	dtype() string
}

// NewTensor makes a tensor of data, in the order of rows: the last dimension is
// the one that changes fastest. Without shape it has one dimension. data is not
// copied, and is read whenever the tensor is logged. The error is about a shape
// that does not hold as many numbers as data has.
func NewTensor[N Number](data []N, shape ...int) (*Tensor, error) {
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	size := 1
	for _, n := range shape {
		if n < 0 || n > 0 && size > math.MaxInt/n {
			return nil, fmt.Errorf("tensor of shape %v: want dimensions from 0", shape)
		}
		size *= n
	}
	if size != len(data) {
		return nil, fmt.Errorf("tensor of shape %v: it holds %d numbers, got %d", shape, size, len(data))
	}
	return &Tensor{shape: slices.Clone(shape), data: numbers[N](data)}, nil
}

// Shape returns a copy of the dimensions.
func (t *Tensor) Shape() []int { return slices.Clone(t.shape) }

// Len returns how many numbers the tensor holds.
func (t *Tensor) Len() int {
	if t == nil || t.data == nil {
		return 0
	}
	return t.data.count()
}

// TensorStats describe the finite numbers of a tensor. The percentiles are those
// that numpy interpolates. Without finite numbers all but Count and NonFinite are
// 0, and not stored.
type TensorStats struct {
	Count     int // all numbers
	NonFinite int // of these NaN or infinite: not in what follows

	Min, Max, Mean float64
	Var            float64 // of the whole, not of a sample
	P50, P95, P99  float64
}

// Stats works the statistics out, in memory of 8 bytes a number.
func (t *Tensor) Stats() TensorStats {
	if t.Len() == 0 {
		return TensorStats{}
	}
	values := t.data.finite()
	s := TensorStats{Count: t.Len(), NonFinite: t.Len() - len(values)}
	if len(values) == 0 {
		return s
	}
	var squares float64 // Welford's: no cancellation
	for i, v := range values {
		delta := v - s.Mean
		s.Mean += delta / float64(i+1)
		squares += delta * (v - s.Mean)
	}
	s.Var = squares / float64(len(values))
	slices.Sort(values)
	s.Min, s.Max = values[0], values[len(values)-1]
	s.P50, s.P95, s.P99 = percentile(values, 0.5), percentile(values, 0.95), percentile(values, 0.99)
	return s
}

// percentile interpolates between the numbers around rank q, as numpy does.
func percentile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	part := at - float64(i)
	return sorted[i]*(1-part) + sorted[i+1]*part
}

// StoreMedia returns the histogram with the statistics, and puts the numbers into
// dst if they are to be saved.
func (t *Tensor) StoreMedia(dst Store) (Object, error) {
	if t == nil || t.data == nil {
		return nil, errNil
	}
	object := Object{"_type": "tensor"}
	if h, err := t.data.histogram(); err == nil { // else the range is beyond a float64
		if object, err = h.StoreMedia(dst); err != nil {
			return nil, err
		}
	}
	t.describe(object)
	if !t.Save {
		return object, nil
	}
	members, err := dst.Put(t.data.file(t.shape))
	if err != nil {
		return nil, err
	}
	for name, v := range members {
		object[name] = v
	}
	return object, nil
}

// describe adds the statistics to object.
func (t *Tensor) describe(object Object) {
	s := t.Stats()
	object["shape"], object["dtype"] = t.Shape(), t.data.dtype()
	object["count"], object["nonfinite"] = s.Count, s.NonFinite
	if s.Count == s.NonFinite {
		return
	}
	object["min"], object["max"], object["mean"], object["var"] = s.Min, s.Max, s.Mean, s.Var
	object["p50"], object["p95"], object["p99"] = s.P50, s.P95, s.P99
}

// numbers are the data of a tensor of one type.
type numbers[N Number] []N

func (d numbers[N]) count() int { return len(d) }

func (d numbers[N]) histogram() (*Histogram, error) { return NewHistogram(d, TensorBins) }

func (d numbers[N]) finite() []float64 {
	out := make([]float64, 0, len(d))
	for _, v := range d {
		if x := float64(v); x-x == 0 {
			out = append(out, x)
		}
	}
	return out
}
