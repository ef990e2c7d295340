package artifact

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// ToRecord returns m as run logs hold it. A manifest with more than
// MaxRecordEntries entries goes to a file of that name in dir, an existing
// folder; dir may be empty for smaller ones.
func (m *Manifest) ToRecord(dir, name string) (*wandbpb.ArtifactManifest, error) {
	rec := &wandbpb.ArtifactManifest{Version: manifestVersion, StoragePolicy: storagePolicy}
	if len(m.Entries) > MaxRecordEntries {
		rec.ManifestFilePath = filepath.Join(dir, name)
		return rec, m.WriteFile(rec.ManifestFilePath)
	}
	rec.StoragePolicyConfig = []*wandbpb.StoragePolicyConfigItem{{Key: "storageLayout", ValueJson: quote(m.layout())}}
	if m.Region != "" {
		rec.StoragePolicyConfig = append(rec.StoragePolicyConfig, &wandbpb.StoragePolicyConfigItem{Key: "storageRegion", ValueJson: quote(m.Region)})
	}
	for i := range m.Entries {
		rec.Contents = append(rec.Contents, m.Entries[i].toRecord())
	}
	return rec, nil
}

func (e *Entry) toRecord() *wandbpb.ArtifactManifestEntry {
	rec := &wandbpb.ArtifactManifestEntry{
		Path: e.Path, Digest: e.Digest, Ref: e.Ref, Size: max(e.Size, 0), LocalPath: e.LocalPath,
		BirthArtifactId: e.BirthArtifactID, SkipCache: e.SkipCache,
	}
	for _, key := range sortedKeys(e.Extra) {
		rec.Extra = append(rec.Extra, &wandbpb.ExtraItem{Key: key, ValueJson: string(e.Extra[key])})
	}
	return rec
}

// FromRecord reads a manifest of a run log, and its file if it has one.
func FromRecord(rec *wandbpb.ArtifactManifest) (*Manifest, error) {
	if rec.GetManifestFilePath() != "" {
		return ReadFile(rec.GetManifestFilePath())
	}
	m := &Manifest{Layout: layoutV2}
	for _, c := range rec.GetStoragePolicyConfig() {
		switch c.GetKey() {
		case "storageLayout":
			m.Layout = unquote(c.GetValueJson())
		case "storageRegion":
			m.Region = unquote(c.GetValueJson())
		}
	}
	for _, c := range rec.GetContents() {
		e, err := fromRecord(c)
		if err != nil {
			return nil, err
		}
		m.Entries = append(m.Entries, e)
	}
	return m, m.sort()
}

func fromRecord(rec *wandbpb.ArtifactManifestEntry) (Entry, error) {
	e := Entry{
		Path: rec.GetPath(), Digest: rec.GetDigest(), Ref: rec.GetRef(), Size: rec.GetSize(), LocalPath: rec.GetLocalPath(),
		BirthArtifactID: rec.GetBirthArtifactId(), SkipCache: rec.GetSkipCache(),
	}
	for _, x := range rec.GetExtra() {
		if !json.Valid([]byte(x.GetValueJson())) {
			return e, fmt.Errorf("%w: %s: extra %q is no JSON", ErrBadManifest, e.Path, x.GetKey())
		}
		if e.Extra == nil {
			e.Extra = map[string]json.RawMessage{}
		}
		e.Extra[x.GetKey()] = json.RawMessage(x.GetValueJson())
	}
	return e, nil
}

// quote returns text as JSON.
func quote(text string) string {
	b, _ := json.Marshal(text) // a string always has a JSON form
	return string(b)
}

// unquote returns the text that value is in JSON; what is no JSON text is taken
// as it is, since some writers leave out the quotes.
func unquote(value string) string {
	var text string
	if json.Unmarshal([]byte(value), &text) != nil {
		return value
	}
	return text
}
