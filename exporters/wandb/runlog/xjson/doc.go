// Package xjson writes and reads the extended JSON of the W&B run log: plain
// JSON plus the bare tokens NaN, Infinity and -Infinity.
//
//	dst = xjson.AppendFloat(dst, v)          the hot path: no allocation
//	dst, err = xjson.AppendValue(dst, any)   maps, slices, structs; keys sorted
//	v, err := xjson.Decode(text)             int64, float64, string, bool, nil, []any, map[string]any
//
// Numbers: an integer that fits int64 stays an int64. Everything else becomes
// a float64. A float with an integral value is written without a fraction, so
// that it reads back as an integer of the same value; this is what the
// official codec does too. Text that is not UTF-8 becomes U+FFFD.
package xjson
