package artifact

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Limits of W&B.
const (
	MaxNameBytes    = 128
	MaxMetadataKeys = 100
)

var (
	nameForm    = regexp.MustCompile(`^[a-zA-Z0-9_\-.]+$`)
	tagForm     = regexp.MustCompile(`^[-\w]+( +[-\w]+)*$`)
	versionForm = regexp.MustCompile(`^v[0-9]+$`)
)

// CheckName says whether name can be the name of an artifact.
func CheckName(name string) error {
	if !nameForm.MatchString(name) || len(name) > MaxNameBytes {
		return fmt.Errorf("artifact name %.140q: %w: want at most %d letters, digits, dashes, dots and underscores", name, ErrBadName, MaxNameBytes)
	}
	return nil
}

// CheckType says whether typ can be the type of an artifact called name. Types
// that W&B keeps for itself are refused.
func CheckType(typ, name string) error {
	switch {
	case typ == "" || len(typ) > MaxNameBytes || strings.ContainsAny(typ, "/:"):
		return fmt.Errorf("artifact type %.140q: want at most %d bytes without slashes and colons", typ, MaxNameBytes)
	case typ == "job", strings.HasPrefix(typ, "wandb-"),
		typ == "run_table" && strings.HasPrefix(name, "run-"), typ == "code" && strings.HasPrefix(name, "source-"):
		return fmt.Errorf("artifact type %q with name %q: W&B keeps it for itself", typ, name)
	}
	return nil
}

// CheckAlias says whether alias can be given to a version. Names such as v3
// belong to the server.
func CheckAlias(alias string) error {
	switch {
	case alias == "" || len(alias) > MaxNameBytes || strings.ContainsAny(alias, "/:"):
		return fmt.Errorf("artifact alias %.140q: want at most %d bytes without slashes and colons", alias, MaxNameBytes)
	case versionForm.MatchString(alias):
		return fmt.Errorf("artifact alias %q: the server gives version numbers", alias)
	}
	return nil
}

// CheckTag says whether tag can be a tag of a version.
func CheckTag(tag string) error {
	if !tagForm.MatchString(tag) {
		return fmt.Errorf("artifact tag %.140q: want words of letters, digits, dashes and underscores", tag)
	}
	return nil
}

// CheckMetadata says whether metadata can be that of a version, and returns it
// as JSON. Nil is an empty object.
func CheckMetadata(metadata map[string]any) (string, error) {
	if len(metadata) > MaxMetadataKeys {
		return "", fmt.Errorf("artifact metadata: %d keys, want at most %d", len(metadata), MaxMetadataKeys)
	}
	if metadata == nil {
		return "{}", nil
	}
	b, err := json.Marshal(metadata)
	if err != nil {
		return "", fmt.Errorf("artifact metadata: %w", err)
	}
	return string(b), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
