package prom

import (
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// units spells UCUM units the way Prometheus names do.
var units = map[string]string{
	"d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
	"By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tebibytes",
	"KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "bit": "bits",
	"m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
	"Cel": "celsius", "Hz": "hertz", "%": "percent", "1": "",
}

// perUnits spells what stands below the line, in the singular.
var perUnits = map[string]string{
	"s": "second", "min": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
}

// MetricName returns the Prometheus name of a series from its canonical name,
// UCUM unit and kind. It always matches
// [a-zA-Z_:][a-zA-Z0-9_:]*.
func MetricName(name, unit string, kind sample.Kind) string {
	tokens := words(name)
	main, per := splitUnit(unit)
	if main != "" && !slices.Contains(tokens, main) {
		tokens = append(tokens, words(main)...)
	}
	if per != "" && !slices.Contains(tokens, per) {
		tokens = append(tokens, "per", per)
	}
	if kind == sample.Gauge && unit == "1" {
		tokens = atEnd(tokens, "ratio")
	}
	if kind == sample.Counter {
		tokens = atEnd(tokens, "total")
	}
	out := strings.Join(tokens, "_")
	if out == "" || isDigit(out[0]) {
		out = "_" + out
	}
	return out
}

// splitUnit translates a UCUM unit such as By/s; annotations in braces count
// for nothing.
func splitUnit(unit string) (main, per string) {
	over, under, _ := strings.Cut(withoutAnnotations(unit), "/")
	main, known := units[over]
	if !known {
		main = strings.Join(words(over), "_")
	}
	per, known = perUnits[under]
	if !known {
		per = strings.Join(words(under), "_")
	}
	return main, per
}

// withoutAnnotations removes {…} from a unit.
func withoutAnnotations(unit string) string {
	for {
		open := strings.IndexByte(unit, '{')
		if open < 0 {
			return unit
		}
		end := strings.IndexByte(unit[open:], '}')
		if end < 0 {
			return unit[:open]
		}
		unit = unit[:open] + unit[open+end+1:]
	}
}

// words cuts s at everything that cannot stand in a name, so that runs of such
// bytes become one underscore.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !isLetter(r) && (r > 127 || !isDigit(byte(r))) && r != ':' })
}

// atEnd moves or adds word to the end.
func atEnd(tokens []string, word string) []string {
	tokens = slices.DeleteFunc(tokens, func(t string) bool { return t == word })
	return append(tokens, word)
}

// labelName returns the Prometheus name of a label: it always matches
// [a-zA-Z][a-zA-Z0-9_]*, so it is never one of the reserved ones.
func labelName(name string) string {
	out := []byte(strings.Map(func(r rune) rune {
		if isLetter(r) || (r <= 127 && isDigit(byte(r))) {
			return r
		}
		return '_'
	}, name))
	switch {
	case len(out) == 0 || isDigit(out[0]):
		return "key_" + string(out)
	case out[0] == '_':
		return "key" + string(out)
	}
	return string(out)
}

func isLetter(r rune) bool { return (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') }
func isDigit(b byte) bool  { return b >= '0' && b <= '9' }
