package artifact

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

// Options of an artifact. The zero value is good.
type Options struct {
	Description string
	Metadata    map[string]any // at most 100 keys
	Aliases     []string       // "latest" is always added
	Tags        []string

	// TTL is how long the server keeps the version, in whole seconds; 0: as the
	// server is set; InheritTTL: as its collection is set; NoTTL: for good.
	TTL time.Duration

	// Base is the version that this one is made from. Incremental makes a
	// version that the server merges with the latest one, or with Base.
	Base        *Base
	Incremental bool

	// DistributedID, the same in several writers, makes one version of what all
	// of them add. The last one to record it finishes it.
	DistributedID string

	// Staging is a folder for copies of files until they are sent, best the one
	// of the run. Without it files are copied when the artifact is recorded.
	Staging string

	Handlers []Handler // of references, before those of files and HTTP
	Parallel int       // files hashed at a time; 8 when 0
}

// Values of Options.TTL.
const (
	InheritTTL time.Duration = -1
	NoTTL      time.Duration = -2
)

// A Base is a version on a server: its id and its manifest, whose entries a new
// version begins with.
type Base struct {
	ID       string
	Manifest *artifact.Manifest // nil: begin with nothing
}

// Errors of this package.
var (
	// ErrRecorded is a change of an artifact that is in a run log already.
	ErrRecorded = errors.New("the artifact is recorded and does not change any more")

	// ErrExists is a path that the artifact has already, with other content, or
	// as a reference and not as a file.
	ErrExists = errors.New("the artifact has that path with other content")
)

// An Artifact is a version that is being built. Its methods may be called from
// any number of goroutines.
type Artifact struct {
	name, typ  string
	o          Options
	metadata   string // JSON
	clientID   string
	sequenceID string

	mu         sync.Mutex        // guards all below
	entries    map[string]*entry // by path
	temp       []string          // files of our own outside the staging folder
	isRecorded bool
}

// entry is an entry, and how its file is kept.
type entry struct {
	artifact.Entry
	policy Policy
	kept   bool   // the file is where it will be sent from
	from   string // absolute path that AddFile was given
}

// New begins an artifact. Bad names, types, aliases, tags and metadata are
// errors here and not after hours of training.
func New(name, typ string, o Options) (*Artifact, error) {
	if err := artifact.CheckType(typ, name); err != nil {
		return nil, errors.Join(artifact.CheckName(name), err)
	}
	return begin(name, typ, o)
}

func begin(name, typ string, o Options) (*Artifact, error) {
	errs := []error{artifact.CheckName(name)}
	metadata, err := artifact.CheckMetadata(o.Metadata)
	errs = append(errs, err, checkLabels(o.Aliases, o.Tags))
	if o.TTL != InheritTTL && o.TTL != NoTTL && (o.TTL < 0 || o.TTL%time.Second != 0) {
		errs = append(errs, fmt.Errorf("artifact TTL %v: want whole seconds, InheritTTL or NoTTL", o.TTL))
	}
	if o.Incremental && o.DistributedID != "" {
		errs = append(errs, errors.New("artifact: incremental or distributed, not both"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	a := &Artifact{
		name: name, typ: typ, o: o, metadata: metadata, entries: map[string]*entry{},
		clientID: newID(), sequenceID: newID(),
	}
	if o.Base != nil && o.Base.Manifest != nil {
		for _, e := range o.Base.Manifest.Entries {
			e.LocalPath = ""
			a.entries[e.Path] = &entry{Entry: e, kept: true}
		}
	}
	return a, nil
}

func checkLabels(aliases, tags []string) error {
	var errs []error
	for _, alias := range aliases {
		errs = append(errs, artifact.CheckAlias(alias))
	}
	for _, tag := range tags {
		errs = append(errs, artifact.CheckTag(tag))
	}
	return errors.Join(errs...)
}

// newID returns 128 random characters of a-z0-9.
func newID() string {
	var b strings.Builder
	for b.Len() < 128 {
		b.WriteString(strings.ToLower(rand.Text())) // 26 of a-z2-7
	}
	return b.String()[:128]
}

// Name returns the name without a version.
func (a *Artifact) Name() string { return a.name }

// Type returns the type.
func (a *Artifact) Type() string { return a.typ }

// SequenceID is what the collection is called until the server gave it an id.
func (a *Artifact) SequenceID() string { return a.sequenceID }

// ClientID is what this version is called until the server gave it an id.
func (a *Artifact) ClientID() string { return a.clientID }

// Manifest returns the entries as they are now, sorted. It is the caller's.
func (a *Artifact) Manifest() (*artifact.Manifest, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.manifest()
}

func (a *Artifact) manifest() (*artifact.Manifest, error) {
	list := make([]artifact.Entry, 0, len(a.entries))
	for _, e := range a.entries {
		list = append(list, e.Entry)
	}
	m, err := artifact.NewManifest(list)
	if err == nil && a.o.Base != nil && a.o.Base.Manifest != nil {
		m.Layout, m.Region = a.o.Base.Manifest.Layout, a.o.Base.Manifest.Region
	}
	return m, err
}

// Digest is the digest of the entries as they are now: equal content, equal
// digest.
func (a *Artifact) Digest() (string, error) {
	m, err := a.Manifest()
	if err != nil {
		return "", err
	}
	return m.Digest(), nil
}

// put takes an entry in.
func (a *Artifact) put(e *entry, overwrite bool) error {
	if err := artifact.CheckPath(e.Path, false); err != nil {
		return fmt.Errorf("add to artifact %s: %w", a.name, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.isRecorded {
		return fmt.Errorf("add %s to artifact %s: %w", e.Path, a.name, ErrRecorded)
	}
	if old := a.entries[e.Path]; old != nil && !overwrite && (old.Digest != e.Digest || (old.Ref == "") != (e.Ref == "")) {
		return fmt.Errorf("add %s to artifact %s: %w", e.Path, a.name, ErrExists)
	}
	a.discard(a.entries[e.Path])
	a.entries[e.Path] = e
	return nil
}

// Remove takes out the entry with a path, or all below it when it is a folder.
// It returns how many there were.
func (a *Artifact) Remove(name string) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.isRecorded {
		return 0, fmt.Errorf("remove %s from artifact %s: %w", name, a.name, ErrRecorded)
	}
	n := 0
	name = path.Clean(name)
	for p, e := range a.entries {
		if p == name || strings.HasPrefix(p, name+"/") {
			a.discard(e)
			delete(a.entries, p)
			n++
		}
	}
	return n, nil
}
