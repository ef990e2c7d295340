package artifact

import (
	"bytes"
	"path/filepath"
)

// NameOf returns the path in the artifact of a file that AddFile or AddDir took
// from localPath, the first when there are several.
func (a *Artifact) NameOf(localPath string) (name string, ok bool) {
	full, err := filepath.Abs(localPath)
	if err != nil {
		return "", false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for path, e := range a.entries {
		if e.from == full && (!ok || path < name) {
			name, ok = path, true
		}
	}
	return name, ok
}

// DistributedID returns Options.DistributedID.
func (a *Artifact) DistributedID() string { return a.o.DistributedID }

// ManifestOptions of ManifestJSON.
type ManifestOptions struct {
	IncludeLocal bool // also where files lie on this machine until they are sent
}

// ManifestJSON returns the manifest as wandb_manifest.json holds it: the same
// entries give the same bytes. Files that are not staged yet have the digest of
// when they were added.
func (a *Artifact) ManifestJSON(o ManifestOptions) ([]byte, error) {
	m, err := a.Manifest()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if o.IncludeLocal {
		err = m.WriteLocalJSON(&b)
	} else {
		err = m.WriteJSON(&b)
	}
	return b.Bytes(), err
}
