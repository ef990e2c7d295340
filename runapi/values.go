package runapi

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// values are the cells of a row or of a part of one. items and keys run in
// parallel.
type values struct {
	items []runlog.Item
	keys  []*metricKey
	stamp float64 // _timestamp given by the user, Unix seconds; NaN when not
	bytes int     // rough size as JSON text
	opts  []LogOption
	media *mediaStore // nil: there are none
}

func (v *values) reset() {
	v.items, v.keys, v.stamp, v.bytes, v.media = v.items[:0], v.keys[:0], math.NaN(), 0, nil
}

func (v *values) add(k *metricKey, it runlog.Item) {
	it.Key = k.key
	v.items = append(v.items, it)
	v.keys = append(v.keys, k)
	v.bytes += len(k.name) + len(it.JSON) + 28
}

// encode turns what Log was given into values, and stores the files of media.
// On an error nothing of it may be used but media.end.
func (r *Run) encode(m map[string]any, opts []LogOption) (values, error) {
	v := values{stamp: math.NaN(), opts: opts}
	v.items = make([]runlog.Item, 0, len(m))
	v.keys = make([]*metricKey, 0, len(m))
	err := r.flatten(&v, nil, m)
	return v, err
}

// flatten adds the leaves of m, whose keys stand below path.
func (r *Run) flatten(v *values, path []string, m map[string]any) error {
	if len(path) > xjson.MaxDepth {
		return &ValueError{Key: path[0], Type: "map[string]interface {}", Err: fmt.Errorf("nested deeper than %d levels", xjson.MaxDepth)}
	}
	for name, value := range m {
		at := append(path[:len(path):len(path)], name)
		if err := r.flattenOne(v, at, value); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) flattenOne(v *values, path []string, value any) error {
	if err := checkPath(path); err != nil {
		return err
	}
	if nested, ok := value.(map[string]any); ok && nested != nil {
		return r.flatten(v, path, nested)
	}
	if done, err := r.flattenMedia(v, path, value); done {
		return err
	}
	it, err := item(value)
	if err != nil {
		return valueError(path, value, err)
	}
	if len(path) == 1 && path[0] == "_timestamp" {
		return v.setStamp(&it)
	}
	if it.Kind == runlog.JSON && it.JSON[0] == '{' {
		nested, err := xjson.Decode(it.JSON)
		if err != nil {
			return valueError(path, value, err)
		}
		if m, ok := nested.(map[string]any); ok {
			return r.flatten(v, path, m)
		}
	}
	v.add(r.keys.of(r, runlog.NewKey(path...)), it)
	return nil
}

// setStamp takes the user's _timestamp.
func (v *values) setStamp(it *runlog.Item) error {
	switch it.Kind {
	case runlog.Float:
		v.stamp = it.F
	case runlog.Int:
		v.stamp = float64(it.I)
	default:
		v.stamp = math.NaN()
	}
	if math.IsNaN(v.stamp) || math.IsInf(v.stamp, 0) {
		return keyError("_timestamp", "want finite Unix seconds")
	}
	return nil
}

// item encodes one value. Numbers stay numbers; the rest becomes JSON text.
func item(value any) (runlog.Item, error) {
	switch x := value.(type) {
	case float64:
		return runlog.Item{F: x}, nil
	case int:
		return runlog.Item{Kind: runlog.Int, I: int64(x)}, nil
	case time.Duration:
		return runlog.Item{F: x.Seconds()}, nil
	}
	text, err := xjson.AppendValue(nil, value)
	if err != nil {
		return runlog.Item{}, err
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return number(text)
	}
	return runlog.Item{Kind: runlog.JSON, JSON: text}, nil
}

// number makes the item of a JSON number, which is left as text when neither
// an int64 nor a float64 holds it exactly.
func number(text []byte) (runlog.Item, error) {
	v, err := xjson.Decode(text)
	if err != nil {
		return runlog.Item{}, err
	}
	switch v := v.(type) {
	case int64:
		return runlog.Item{Kind: runlog.Int, I: v}, nil
	case float64:
		if string(xjson.AppendFloat(nil, v)) == string(text) {
			return runlog.Item{F: v}, nil
		}
	}
	return runlog.Item{Kind: runlog.JSON, JSON: text}, nil
}

func valueError(path []string, value any, err error) error {
	key := ""
	for i, p := range path {
		if i > 0 {
			key += "."
		}
		key += p
	}
	e := &ValueError{Key: key, Type: fmt.Sprintf("%T", value), Err: err}
	var u *xjson.UnsupportedError
	if errors.As(err, &u) {
		if u.Path != "" {
			e.Key += "." + u.Path
		}
		e.Type, e.Err = u.Type, errors.New(u.Reason)
	}
	return e
}

// asFloat returns the number in an item.
func asFloat(it *runlog.Item) (float64, bool) {
	switch it.Kind {
	case runlog.Float:
		return it.F, true
	case runlog.Int:
		return float64(it.I), true
	}
	return 0, false
}
