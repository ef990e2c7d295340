package runapi

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Int returns the whole number at path, of any kind of number that is one; false
// when there is none.
func (c Config) Int(path ...string) (int64, bool) {
	switch v, _ := c.Get(path...); v := v.(type) {
	case int64:
		return v, true
	case float64:
		if i := int64(v); float64(i) == v && math.Abs(v) < 1<<63 {
			return i, true
		}
	}
	return 0, false
}

// Float returns the number at path; false when there is none.
func (c Config) Float(path ...string) (float64, bool) {
	switch v, _ := c.Get(path...); v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// Text returns the text at path; false when there is none.
func (c Config) Text(path ...string) (string, bool) {
	v, _ := c.Get(path...)
	text, ok := v.(string)
	return text, ok
}

// Bool returns the truth value at path; false, false when there is none.
func (c Config) Bool(path ...string) (value, ok bool) {
	v, _ := c.Get(path...)
	value, ok = v.(bool)
	return value, ok
}

// Decode puts the config into what v points to, as encoding/json would: into a
// struct, whose fields are named by their json tags, with the values that files
// and a sweep have chosen. Fields without a value keep theirs. The errors are
// those of encoding/json; NaN and the infinities do not go into a float.
func (c Config) Decode(v any) error {
	text, err := xjson.AppendValue(nil, c.All())
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return fmt.Errorf("decode config: %w", err)
	}
	return nil
}
