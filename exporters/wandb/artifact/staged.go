package artifact

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// loadManifest reads the manifest of a record. Its file, if it has one, may have
// moved with the run's folder.
func loadManifest(rec *wandbpb.ArtifactRecord, staging string) (*Manifest, error) {
	m := rec.GetManifest()
	if file := m.GetManifestFilePath(); file != "" {
		return ReadFile(located(file, staging))
	}
	return FromRecord(m)
}

// RemoveStaged removes the files that were staged for an artifact in dir, after
// it is committed. Files elsewhere are the user's and stay.
func RemoveStaged(rec *wandbpb.ArtifactRecord, dir string) error {
	m, err := loadManifest(rec, dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil // they were removed before
	}
	if err != nil {
		return err
	}
	names := []string{rec.GetManifest().GetManifestFilePath()} // last: it tells of the others
	for i := range m.Entries {
		names = append(names, m.Entries[i].LocalPath)
	}
	var errs []error
	for i := len(names) - 1; i >= 0; i-- {
		if name := located(names[i], dir); names[i] != "" && isIn(name, dir) {
			if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove staged files: %w", err)
	}
	return nil
}

// isIn says whether a file lies directly in dir.
func isIn(name, dir string) bool {
	full, err := filepath.Abs(dir)
	return err == nil && dir != "" && filepath.Dir(filepath.Clean(name)) == full
}
