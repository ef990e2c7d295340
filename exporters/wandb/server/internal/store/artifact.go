package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"time"
)

// States of an artifact.
const (
	Pending   = "PENDING"
	Committed = "COMMITTED"
	Deleted   = "DELETED" // nothing but its number is left
)

// Artifact is one version of a collection, or one that is not committed yet.
type Artifact struct {
	ID          string    `json:"id"`
	Entity      string    `json:"entity"`
	Project     string    `json:"project"`
	Type        string    `json:"type"`
	Collection  string    `json:"collection"`
	Digest      string    `json:"digest"`
	State       string    `json:"state"`
	Version     int       `json:"version"` // -1 before it is committed
	Aliases     []string  `json:"aliases"`
	Tags        []string  `json:"tags"`
	Description string    `json:"description,omitempty"`
	Metadata    string    `json:"metadata,omitempty"` // JSON
	TTL         int64     `json:"ttlDurationSeconds,omitempty"`
	ClientID    string    `json:"clientID,omitempty"`
	SequenceID  string    `json:"sequenceClientID,omitempty"`
	Distributed string    `json:"distributedID,omitempty"`
	Run         string    `json:"run,omitempty"` // run id of its maker
	HistoryStep *int64    `json:"historyStep"`
	Created     time.Time `json:"createdAt"`

	Manifests []ManifestFile   `json:"manifests"`
	Contents  map[string]Entry `json:"contents"` // as committed
	Layout    map[string]any   `json:"storagePolicyConfig,omitempty"`
	UsedBy    []string         `json:"usedBy,omitempty"` // entity/project/run
	Links     []Link           `json:"links,omitempty"`
}

// ManifestFile is a manifest that a client announced.
type ManifestFile struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Type   string `json:"type"`   // FULL, INCREMENTAL, PATCH
	Digest string `json:"digest"` // base64 MD5 of its content; "" before it is known
	Base   string `json:"base,omitempty"`
}

// Entry is a file of an artifact.
type Entry struct {
	Digest        string         `json:"digest"`
	Size          *int64         `json:"size,omitempty"`
	Ref           string         `json:"ref,omitempty"`
	BirthArtifact string         `json:"birthArtifactID,omitempty"`
	Extra         map[string]any `json:"extra,omitempty"`
}

func (s *Store) openArtifacts() error {
	paths, err := filepath.Glob(filepath.Join(s.dir, "*", "*", "artifacts", "*.json"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		a := &Artifact{}
		if err := readJSON(path, a); err != nil {
			return err
		}
		s.artifacts[a.ID] = a
	}
	return nil
}

// ErrNoArtifact means that there is none with an id.
var ErrNoArtifact = errors.New("no such artifact")

// EditArtifact lets fn change an artifact and stores it, unless fn fails.
func (s *Store) EditArtifact(id string, fn func(*Artifact) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.artifacts[id]
	if a == nil {
		return fmt.Errorf("%w: %q", ErrNoArtifact, id)
	}
	if err := fn(a); err != nil {
		return err
	}
	return s.saveArtifact(a)
}

func (s *Store) saveArtifact(a *Artifact) error {
	dir := filepath.Join(s.dir, a.Entity, a.Project, "artifacts")
	if err := mkdir(dir); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, safeName(a.ID)+".json"), a)
}

// Artifact returns a copy; false if there is none.
func (s *Store) Artifact(id string) (Artifact, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.artifacts[id]
	if a == nil {
		return Artifact{}, false
	}
	return *a, true
}

// FindArtifacts returns copies of those that match, oldest first.
func (s *Store) FindArtifacts(match func(*Artifact) bool) []Artifact {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Artifact
	for _, a := range s.artifacts {
		if match(a) {
			out = append(out, *a)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Version != out[j].Version {
			return out[i].Version < out[j].Version
		}
		return out[i].Created.Before(out[j].Created)
	})
	return out
}

// Collection returns the committed versions of a collection.
func (s *Store) Collection(entity, project, name string) []Artifact {
	return s.FindArtifacts(func(a *Artifact) bool {
		return a.Entity == entity && a.Project == project && a.Collection == name && a.State == Committed
	})
}

// Commit gives an artifact its content and the next version of its collection,
// and moves its aliases to it.
func (s *Store) Commit(id, digest string, contents map[string]Entry, layout map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.artifacts[id]
	if a == nil {
		return fmt.Errorf("%w: %q", ErrNoArtifact, id)
	}
	version := 0
	for _, other := range s.artifacts {
		if other.Place() == a.Place() { // deleted ones too: their numbers are not given again
			version = max(version, other.Version+1)
		}
	}
	aliases := withLatest(a.Aliases)
	if err := s.takeAliases(a.Place(), a, aliases); err != nil {
		return err
	}
	a.Digest, a.Contents, a.Layout, a.State, a.Version, a.Aliases = digest, contents, layout, Committed, version, aliases
	return s.saveArtifact(a)
}

// StoragePolicy is the only one there is.
const StoragePolicy = "wandb-storage-policy-v1"

// Manifest is what a manifest file has.
type Manifest struct {
	Version       int              `json:"version"`
	StoragePolicy string           `json:"storagePolicy"`
	Layout        map[string]any   `json:"storagePolicyConfig"`
	Contents      map[string]Entry `json:"contents"`
}

// ParseManifest reads a manifest file and refuses what the format does not
// allow.
func ParseManifest(text []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if m.Version != 1 || m.StoragePolicy != StoragePolicy || m.Contents == nil {
		return nil, fmt.Errorf("manifest: version %d, storage policy %q: want 1, %q and contents", m.Version, m.StoragePolicy, StoragePolicy)
	}
	for path, e := range m.Contents {
		if path == "" || e.Digest == "" {
			return nil, fmt.Errorf("manifest: entry %q without path or digest", path)
		}
	}
	return m, nil
}

func now() time.Time { return time.Now().UTC() }
