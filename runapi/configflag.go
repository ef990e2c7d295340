package runapi

import (
	"strconv"
	"strings"
	"time"
)

// FlagConfig makes a config of the flags of a program, of any flag library.
// visitAll calls add for every flag with its name and value; the latter as the
// library keeps it, so that numbers stay numbers:
//
//	runapi.FlagConfig(func(add func(name string, value any)) {
//		flag.VisitAll(func(f *flag.Flag) { add(f.Name, f.Value) })
//	})
//	runapi.FlagConfig(func(add func(name string, value any)) {
//		pflags.VisitAll(func(f *pflag.Flag) { add(f.Name, f.Value) })
//	})
//
// A value may be of package flag or pflag, anything with a method String, whose
// text is then taken, or a plain value. Flags that say what they hold only by
// their text are text. Settings.ConfigExclude keeps flags out that are no
// parameters.
func FlagConfig(visitAll func(add func(name string, value any))) map[string]any {
	config := map[string]any{}
	visitAll(func(name string, value any) { config[name] = flagValue(value) })
	return config
}

// flagValue finds the plain value behind a flag's.
func flagValue(value any) any {
	switch v := value.(type) {
	case interface{ Get() any }: // package flag
		return v.Get()
	case interface{ GetSlice() []string }: // pflag
		return listOf(v.GetSlice(), typeOf(value))
	case interface {
		Type() string
		String() string
	}:
		return typed(v.Type(), v.String())
	case time.Time, time.Duration:
		return v
	case interface{ String() string }:
		return v.String()
	}
	return value
}

func typeOf(value any) string {
	if v, ok := value.(interface{ Type() string }); ok {
		return v.Type()
	}
	return ""
}

// listOf gives the elements of a pflag list their types.
func listOf(texts []string, kind string) []any {
	kind = strings.TrimSuffix(strings.TrimSuffix(kind, "Slice"), "Array")
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = typed(kind, text)
	}
	return list
}

// typed reads the text of a flag whose type has a name, as pflag has them.
func typed(kind, text string) any {
	switch {
	case kind == "bool":
		if v, err := strconv.ParseBool(text); err == nil {
			return v
		}
	case kind == "count" || strings.HasPrefix(kind, "int"):
		if v, err := strconv.ParseInt(text, 0, 64); err == nil {
			return v
		}
	case strings.HasPrefix(kind, "uint"):
		if v, err := strconv.ParseUint(text, 0, 64); err == nil {
			return v
		}
	case strings.HasPrefix(kind, "float"):
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return v
		}
	case kind == "duration":
		if v, err := time.ParseDuration(text); err == nil {
			return v
		}
	}
	return text
}
