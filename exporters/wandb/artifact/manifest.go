package artifact

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// What every manifest of version 1 says of itself.
const (
	manifestVersion = 1
	storagePolicy   = "wandb-storage-policy-v1"
	layoutV1        = "V1"
	layoutV2        = "V2"
)

// An Entry is a file of an artifact.
type Entry struct {
	Path   string // in the artifact, parts separated by /
	Digest string // base64 MD5 of a file; of a reference an ETag, or what else identifies the object
	Size   int64  // bytes; -1 unknown
	Ref    string // URI of a reference; empty for a stored file

	BirthArtifactID string                     // server id of the artifact that the file was first stored for
	Extra           map[string]json.RawMessage // of references: etag, versionID

	LocalPath string // file to upload; never leaves this machine
	SkipCache bool   // do not keep a copy in the cache
}

// A Manifest lists the entries of an artifact, sorted by path, each path once.
type Manifest struct {
	Layout  string // storage layout, V2 when empty
	Region  string // storage region, empty is the default one
	Entries []Entry
}

// layout is the storage layout to tell a server.
func (m *Manifest) layout() string {
	if m.Layout == "" {
		return layoutV2
	}
	return m.Layout
}

// sort puts entries in order and refuses paths that are given twice or are not
// UTF-8: their digests would depend on who computes them.
func (m *Manifest) sort() error {
	if !sort.SliceIsSorted(m.Entries, m.less) {
		sort.Slice(m.Entries, m.less)
	}
	for i, e := range m.Entries {
		switch {
		case e.Path == "" || !utf8.ValidString(e.Path):
			return fmt.Errorf("%w: path %q", ErrBadManifest, e.Path)
		case i > 0 && e.Path == m.Entries[i-1].Path:
			return fmt.Errorf("%w: path %q is in it twice", ErrBadManifest, e.Path)
		}
	}
	return nil
}

func (m *Manifest) less(i, j int) bool { return m.Entries[i].Path < m.Entries[j].Path }

// Find returns the entry with a path, nil without one. It belongs to m.
func (m *Manifest) Find(path string) *Entry {
	i, found := sort.Find(len(m.Entries), func(i int) int { return strings.Compare(path, m.Entries[i].Path) })
	if !found {
		return nil
	}
	return &m.Entries[i]
}

// Size is the sum of the sizes of all entries, as far as they are known.
func (m *Manifest) Size() int64 {
	var n int64
	for i := range m.Entries {
		n += max(m.Entries[i].Size, 0)
	}
	return n
}

// Digest is the digest of an artifact with these entries: hex MD5 of paths and
// entry digests. Nothing else of an entry counts.
func (m *Manifest) Digest() string {
	h := md5.New()
	_, _ = io.WriteString(h, "wandb-artifact-manifest-v1\n") // a hash takes everything
	var line []byte
	for i := range m.Entries {
		e := &m.Entries[i]
		line = append(append(line[:0], e.Path...), ':')
		line = append(append(line, e.Digest...), '\n')
		_, _ = h.Write(line)
	}
	return hexSum(h.Sum(nil))
}

// NewManifest makes a manifest of entries in any order, which it keeps. A path
// that is no UTF-8 or is there twice is an error.
func NewManifest(entries []Entry) (*Manifest, error) {
	m := &Manifest{Layout: layoutV2, Entries: entries}
	if err := m.sort(); err != nil {
		return nil, err
	}
	return m, nil
}
