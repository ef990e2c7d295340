package artifact

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxRecordEntries is how many entries stand in a record of the run log itself.
// A larger manifest is a file beside it, which the record names.
const MaxRecordEntries = 100_000

// A fileEntry is a line of a manifest file: what is stored, and where the file
// lies on this machine.
type fileEntry struct {
	Path string `json:"path"`
	jsonEntry
	LocalPath string `json:"local_path,omitempty"`
	SkipCache bool   `json:"skip_cache,omitempty"`
}

// WriteFile writes m as a gzip file of JSON lines, which must not exist yet.
func (m *Manifest) WriteFile(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write manifest file: %w", err)
	}
	err = m.writeLines(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write manifest file %s: %w", name, errors.Join(err, os.Remove(name)))
	}
	return nil
}

func (m *Manifest) writeLines(w io.Writer) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(z, 64<<10)
	lines := json.NewEncoder(out)
	for i := range m.Entries {
		e := &m.Entries[i]
		if err := lines.Encode(fileEntry{e.Path, e.toJSON(), e.LocalPath, e.SkipCache}); err != nil {
			return err
		}
	}
	return errors.Join(out.Flush(), z.Close())
}

// ReadFile reads a manifest that WriteFile or the official client wrote.
func ReadFile(name string) (*Manifest, error) {
	f, err := openRegular(name)
	if err != nil {
		return nil, fmt.Errorf("read manifest file: %w", err)
	}
	defer f.Close()
	m, err := readLines(f)
	if err != nil {
		return nil, fmt.Errorf("read manifest file %s: %w: %w", name, ErrBadManifest, err)
	}
	return m, nil
}

func readLines(r io.Reader) (*Manifest, error) {
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	m := &Manifest{Layout: layoutV2}
	for d := json.NewDecoder(io.LimitReader(z, maxManifestBytes)); ; {
		var line fileEntry
		if err := d.Decode(&line); err == io.EOF {
			return m, m.sort()
		} else if err != nil {
			return nil, err
		}
		if len(m.Entries) >= maxEntries {
			return nil, fmt.Errorf("more than %d entries", maxEntries)
		}
		e := line.entry(line.Path)
		e.LocalPath, e.SkipCache = line.LocalPath, line.SkipCache
		m.Entries = append(m.Entries, e)
	}
}
