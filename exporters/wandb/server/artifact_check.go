package server

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

var (
	artifactName = regexp.MustCompile(`^[a-zA-Z0-9_\-.]{1,128}$`)
	tagName      = regexp.MustCompile(`^[-\w]+( +[-\w]+)*$`)
	md5Hex       = regexp.MustCompile(`^[0-9a-f]{32}$`)
	versionName  = regexp.MustCompile(`^v[0-9]+$`)
)

func checkArtifactName(name string) error {
	if !artifactName.MatchString(name) {
		return fmt.Errorf("artifact name %.140q: want 1 to 128 of letters, digits and _ - . alone", name)
	}
	return store.CheckName(name)
}

func checkType(name string) error {
	if name == "" || len(name) > 128 || strings.ContainsAny(name, "/:") {
		return fmt.Errorf("artifact type %.140q: want 1 to 128 characters, / and : not among them", name)
	}
	return nil
}

func checkAlias(name string) error {
	if name == "" || len(name) > 128 || strings.ContainsAny(name, "/:") || versionName.MatchString(name) {
		return fmt.Errorf("alias %.140q: want 1 to 128 characters no / or : and no version among them", name)
	}
	return nil
}

func checkTag(name string) error {
	if !tagName.MatchString(name) {
		return fmt.Errorf("tag %.140q: want words of letters, digits, _ and -", name)
	}
	return nil
}

func checkDigest(digest string) error {
	if !md5Hex.MatchString(digest) {
		return fmt.Errorf("artifact digest %.60q: want the hexadecimal MD5 of the manifest", digest)
	}
	return nil
}

// maxMetadata is how many keys the metadata of an artifact may have.
const maxMetadata = 100

func checkMetadata(text string) error {
	if text == "" {
		return nil
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return fmt.Errorf("artifact metadata: %w", err)
	}
	if len(m) > maxMetadata {
		return fmt.Errorf("artifact metadata has %d keys: at most %d are allowed", len(m), maxMetadata)
	}
	return nil
}
