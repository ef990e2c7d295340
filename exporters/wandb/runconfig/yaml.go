package runconfig

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// AppendYAML appends v as a document of its own.
func AppendYAML(dst []byte, v any) []byte { return append(appendYAML(dst, v, 0), '\n') }

// appendYAML appends v, built of maps, lists, numbers, text, bool and nil, as
// YAML in block style, keys sorted. Text and keys are written as JSON strings,
// which YAML reads the same way, unless they are plain words.
func appendYAML(dst []byte, v any, indent int) []byte {
	switch v := v.(type) {
	case map[string]any:
		return appendYAMLMap(dst, v, indent)
	case []any:
		return appendYAMLList(dst, v, indent)
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return appendYAMLFloat(dst, v)
	case string:
		return appendYAMLText(dst, v)
	}
	return append(dst, "null"...)
}

func appendYAMLMap(dst []byte, m map[string]any, indent int) []byte {
	if len(m) == 0 {
		return append(dst, "{}"...)
	}
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			dst = appendNewline(dst, indent)
		}
		dst = append(appendYAMLKey(dst, key, indent), ':')
		dst = appendYAMLValue(dst, m[key], indent)
	}
	return dst
}

// maxYAMLKey is the longest key that may stand without the mark of an explicit
// one; the limit counts 1024 characters as they are written.
const maxYAMLKey = 1000

func appendYAMLKey(dst []byte, key string, indent int) []byte {
	start := len(dst)
	if dst = appendYAMLText(dst, key); len(dst)-start <= maxYAMLKey {
		return dst
	}
	return appendNewline(slices.Insert(dst, start, '?', ' '), indent)
}

func appendYAMLList(dst []byte, list []any, indent int) []byte {
	if len(list) == 0 {
		return append(dst, "[]"...)
	}
	for i, v := range list {
		if i > 0 {
			dst = appendNewline(dst, indent)
		}
		dst = append(dst, '-')
		dst = appendYAMLValue(dst, v, indent)
	}
	return dst
}

// appendYAMLValue appends what stands behind a colon or a dash: containers on
// lines of their own.
func appendYAMLValue(dst []byte, v any, indent int) []byte {
	m, isMap := v.(map[string]any)
	list, isList := v.([]any)
	if isMap && len(m) > 0 || isList && len(list) > 0 {
		return appendYAML(appendNewline(dst, indent+4), v, indent+4)
	}
	return appendYAML(append(dst, ' '), v, indent)
}

func appendNewline(dst []byte, indent int) []byte {
	dst = append(dst, '\n')
	for range indent {
		dst = append(dst, ' ')
	}
	return dst
}

// appendYAMLFloat writes a dot into every float: YAML 1.1 takes 1e6 for text.
func appendYAMLFloat(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, ".nan"...)
	case math.IsInf(v, 1):
		return append(dst, ".inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-.inf"...)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'g', -1, 64)
	mantissa := slices.Index(dst[start:], 'e')
	if mantissa < 0 || slices.Contains(dst[start:], '.') {
		return dst
	}
	return slices.Insert(dst, start+mantissa, '.', '0')
}

// appendYAMLText writes plain words as they are and all else quoted.
func appendYAMLText(dst []byte, s string) []byte {
	if plainYAML(s) {
		return append(dst, s...)
	}
	start := len(dst)
	dst = xjson.AppendString(dst, s)
	if bytes.IndexFunc(dst[start:], unprintable) < 0 {
		return dst
	}
	var escaped []byte
	for _, c := range string(dst[start:]) {
		if unprintable(c) {
			escaped = fmt.Appendf(escaped, `\u%04x`, c)
		} else {
			escaped = utf8.AppendRune(escaped, c)
		}
	}
	return append(dst[:start], escaped...)
}

// unprintable reports whether YAML wants c escaped where JSON does not.
func unprintable(c rune) bool {
	return c >= 0x7f && c <= 0x9f || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff
}

// plainYAML reports whether s can stand without quotes: a letter or _ first,
// then letters, digits, _ - . /, and not a word that YAML takes for a value.
func plainYAML(s string) bool {
	switch s {
	case "", "y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF",
		"true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL":
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '-' || c == '.' || c == '/')) {
			return false
		}
	}
	return true
}
