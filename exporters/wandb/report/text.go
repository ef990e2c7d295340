package report

import (
	"math"
	"strconv"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// text shows a value in one line: numbers short, everything else as JSON.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return number(v)
	}
	b, err := xjson.AppendValue(nil, v)
	if err != nil {
		return "?"
	}
	return string(b)
}

// number shows five significant digits.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.Abs(v) >= 1e15, v != 0 && math.Abs(v) < 1e-4:
		return strconv.FormatFloat(v, 'g', 5, 64)
	case v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', -1, 64)
	case math.Abs(v) >= 1e5:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 5, 64)
}

// asNumber returns numbers and booleans as float64.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}
