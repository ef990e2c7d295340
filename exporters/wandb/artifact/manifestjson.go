package artifact

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonEntry is an entry as manifests hold it. Where readers differ the looser
// form is read: some writers leave the size out, or add keys of their own.
type jsonEntry struct {
	Digest  string                     `json:"digest"`
	Size    *int64                     `json:"size,omitempty"`
	Ref     string                     `json:"ref,omitempty"`
	BirthID string                     `json:"birthArtifactID,omitempty"`
	Extra   map[string]json.RawMessage `json:"extra,omitempty"`
	Local   string                     `json:"local_path,omitempty"` // see WriteLocalJSON; never read
}

func (e *Entry) toJSON() jsonEntry {
	j := jsonEntry{Digest: e.Digest, Ref: e.Ref, BirthID: e.BirthArtifactID, Extra: e.Extra}
	if e.Size >= 0 {
		j.Size = &e.Size
	}
	return j
}

func (j *jsonEntry) entry(path string) Entry {
	e := Entry{Path: path, Digest: j.Digest, Size: -1, Ref: j.Ref, BirthArtifactID: j.BirthID, Extra: j.Extra}
	if j.Size != nil && *j.Size >= 0 {
		e.Size = *j.Size
	}
	return e
}

// policyConfig is the storagePolicyConfig of a manifest.
type policyConfig struct {
	Layout string `json:"storageLayout,omitempty"`
	Region string `json:"storageRegion,omitempty"`
}

// WriteJSON writes the stored form of m. It holds no path of this machine. The
// same manifest gives the same bytes.
func (m *Manifest) WriteJSON(w io.Writer) error { return m.writeJSON(w, false) }

// WriteLocalJSON writes m as WriteJSON does, with the local paths of files that
// still have to be sent.
func (m *Manifest) WriteLocalJSON(w io.Writer) error { return m.writeJSON(w, true) }

func (m *Manifest) writeJSON(w io.Writer, local bool) error {
	out := bufio.NewWriterSize(w, 64<<10)
	config, err := json.Marshal(policyConfig{m.layout(), m.Region})
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	fmt.Fprintf(out, `{"version":%d,"storagePolicy":%q,"storagePolicyConfig":%s,"contents":{`, manifestVersion, storagePolicy, config)
	for i := range m.Entries {
		if err := writeEntry(out, &m.Entries[i], i > 0, local); err != nil {
			return fmt.Errorf("write manifest: %s: %w", m.Entries[i].Path, err)
		}
	}
	_, _ = out.WriteString("}}") // Flush tells of all errors before it
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

func writeEntry(out *bufio.Writer, e *Entry, comma, local bool) error {
	name, err := json.Marshal(e.Path)
	if err != nil {
		return err
	}
	j := e.toJSON()
	if local {
		j.Local = e.LocalPath
	}
	body, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if comma {
		_ = out.WriteByte(',')
	}
	_, _ = out.Write(name)
	_ = out.WriteByte(':')
	_, err = out.Write(body)
	return err
}

// Limits of a manifest that is read.
const (
	maxManifestBytes = 8 << 30
	maxEntries       = 20_000_000
)

// ReadManifest reads the stored form of a manifest, by any writer: unknown keys
// are passed over. It reads entry by entry, so that a manifest costs what its
// entries cost. Names are not judged here, but in Download.
func ReadManifest(r io.Reader) (*Manifest, error) {
	m, err := readManifest(json.NewDecoder(bufio.NewReaderSize(io.LimitReader(r, maxManifestBytes), 64<<10)))
	if err != nil {
		if !errors.Is(err, ErrBadManifest) {
			err = fmt.Errorf("%w: %w", ErrBadManifest, err)
		}
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return m, nil
}

func readManifest(d *json.Decoder) (*Manifest, error) {
	m := &Manifest{}
	version, policy := 0, ""
	err := eachKey(d, func(key string) error {
		switch key {
		case "version":
			return d.Decode(&version)
		case "storagePolicy":
			return d.Decode(&policy)
		case "storagePolicyConfig":
			var c *policyConfig
			if err := d.Decode(&c); err != nil || c == nil {
				return err
			}
			m.Layout, m.Region = c.Layout, c.Region
			return nil
		case "contents":
			return m.readContents(d)
		}
		var skipped json.RawMessage
		return d.Decode(&skipped)
	})
	switch {
	case err != nil:
		return nil, err
	case version != manifestVersion:
		return nil, fmt.Errorf("%w: version %d", ErrBadManifest, version)
	case policy != storagePolicy:
		return nil, fmt.Errorf("%w: storage policy %.40q", ErrBadManifest, policy)
	}
	if m.Layout == "" {
		m.Layout = layoutV1 // as manifests without a layout were stored
	}
	return m, m.sort()
}

func (m *Manifest) readContents(d *json.Decoder) error {
	return eachKey(d, func(path string) error {
		var j jsonEntry
		if err := d.Decode(&j); err != nil {
			return err
		}
		if len(m.Entries) >= maxEntries {
			return fmt.Errorf("%w: more than %d entries", ErrBadManifest, maxEntries)
		}
		m.Entries = append(m.Entries, j.entry(path))
		return nil
	})
}

// eachKey reads an object: f reads the value of each key.
func eachKey(d *json.Decoder, f func(key string) error) error {
	if t, err := d.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return fmt.Errorf("%w: want an object, not %.40v", ErrBadManifest, t)
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return fmt.Errorf("%w: want a key, not %.40v", ErrBadManifest, t)
		}
		if err := f(key); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}
