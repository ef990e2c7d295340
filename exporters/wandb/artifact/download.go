package artifact

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// DefaultMaxUnknown bounds files whose manifest does not say how long they are.
const DefaultMaxUnknown = 64 << 30

// DownloadOptions of Download. The zero value is good.
type DownloadOptions struct {
	Cache    *Cache    // nil: none
	Handlers []Handler // of references
	Prefix   string    // only the entries that begin so
	Only     string    // only the entry with this path

	SkipReferences bool // leave references where they are; else one without a handler is an error
	AnyName        bool // also names that only this system can keep, such as two that differ in case only

	Parallel   int   // transfers at a time; 16 when 0
	Ranged     int64 // files of so many bytes come in parts; DefaultMultipart when 0
	Part       int64 // bytes of a part; DefaultPart when 0
	MaxUnknown int64 // bytes of a file of unknown size; DefaultMaxUnknown when 0

	Progress func(Progress) // told after each file; one call at a time
}

// A Report is what a download did.
type Report struct {
	Artifact   *api.Artifact
	Files      int   // fetched
	Bytes      int64 // fetched
	Cached     int   // files that came from the cache
	Kept       int   // files that were there already
	References int   // fetched from elsewhere
	Skipped    int   // references that were left where they are
}

// Download puts the files of a version below dir, which it makes. Files that are
// there already and right stay; others of the same name are replaced. Files that
// the version does not have are left alone. After an error some files may be
// there, each whole and right.
func Download(ctx context.Context, c *api.Client, r Ref, dir string, o DownloadOptions) (Report, error) {
	a, err := r.Find(ctx, c)
	if err != nil {
		return Report{}, fmt.Errorf("download artifact %s: %w", r, err)
	}
	return DownloadFound(ctx, c, r, a, dir, o)
}

// DownloadFound is Download of what Find has found.
func DownloadFound(ctx context.Context, c *api.Client, r Ref, a *api.Artifact, dir string, o DownloadOptions) (Report, error) {
	fail := func(err error) (Report, error) { return Report{}, fmt.Errorf("download artifact %s: %w", r, err) }
	m, err := FetchManifest(ctx, c, a.ID)
	if err != nil {
		return fail(err)
	}
	if err := m.CheckNames(!o.AnyName); err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fail(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fail(err)
	}
	defer root.Close()
	o = o.withDefaults()
	d := &download{client: c, o: o, root: root, slots: make(chan struct{}, o.Parallel), report: Report{Artifact: a}}
	if err := d.run(ctx, a.ID, m); err != nil {
		return fail(err)
	}
	return d.report, nil
}

func (o DownloadOptions) withDefaults() DownloadOptions {
	or := func(n *int64, otherwise int64) {
		if *n <= 0 {
			*n = otherwise
		}
	}
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	or(&o.Ranged, DefaultMultipart)
	or(&o.Part, DefaultPart)
	or(&o.MaxUnknown, DefaultMaxUnknown)
	return o
}

// FetchManifest gets the manifest of a version by the server's id.
func FetchManifest(ctx context.Context, c *api.Client, id string) (*Manifest, error) {
	address, err := c.ArtifactManifestURL(ctx, id)
	if err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp("", "wandb-manifest-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	if _, err := c.Get(ctx, address, 0, -1, &bounded{temp, maxManifestBytes}); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return ReadManifest(temp)
}

// A download is one version on its way.
type download struct {
	client *api.Client
	o      DownloadOptions
	root   *os.Root
	slots  chan struct{} // one for each transfer at a time

	mu       sync.Mutex // guards all below
	report   Report
	progress Progress
}

// A wanted is a file to be fetched: to where, and from which version.
type wanted struct {
	to    string // below the root
	entry Entry  // as the version that stores it has it
	sum   [SumBytes]byte
	url   string
	urls  int // asked for
}

func (d *download) run(ctx context.Context, id string, m *Manifest) error {
	files, refs, err := d.sort(ctx, id, m)
	if err != nil {
		return err
	}
	for store := range files {
		if files[store].list, err = d.missing(ctx, files[store].list); err != nil {
			return err
		}
	}
	d.reserve(files)
	for _, s := range files {
		if err := d.fetchAll(ctx, s); err != nil {
			return err
		}
	}
	return ForEach(ctx, len(refs), d.o.Parallel, func(ctx context.Context, i int) error {
		if err := d.reference(ctx, refs[i]); err != nil {
			return fmt.Errorf("%s: %w", refs[i].Path, err)
		}
		return nil
	})
}

// A storeOf is a version that stores files which are wanted.
type storeOf struct {
	id       string
	manifest *Manifest
	list     []*wanted
}

// sort splits the entries: files by the version that stores them, and
// references.
func (d *download) sort(ctx context.Context, id string, m *Manifest) (files []*storeOf, refs []Entry, err error) {
	chain := &chain{client: d.client, known: map[string]*storeOf{id: {id: id, manifest: m}}}
	for _, e := range m.Entries {
		if !strings.HasPrefix(e.Path, d.o.Prefix) || d.o.Only != "" && e.Path != d.o.Only {
			continue
		}
		d.progress.Files++
		d.progress.Bytes += max(e.Size, 0)
		store, stored, err := chain.follow(ctx, id, e)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("%s: %w", e.Path, err)
		case stored.Ref != "" && d.o.SkipReferences:
			d.report.Skipped++
			d.progress.FilesDone++
		case stored.Ref != "":
			stored.Path = e.Path
			refs = append(refs, stored)
		default:
			sum, err := ParseSum(stored.Digest)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w: %w", e.Path, ErrBadManifest, err)
			}
			store.list = append(store.list, &wanted{to: e.Path, entry: stored, sum: sum})
		}
	}
	for _, id := range sortedKeys(chain.known) {
		files = append(files, chain.known[id])
	}
	return files, refs, nil
}

// maxChain bounds references to references.
const maxChain = 10

// A chain finds the version that stores an entry.
type chain struct {
	client *api.Client
	known  map[string]*storeOf // by server id
}

// follow goes along references to other versions, to an entry that is none.
func (c *chain) follow(ctx context.Context, id string, e Entry) (*storeOf, Entry, error) {
	for range maxChain {
		next, path, found := parseRef(e.Ref, serverScheme)
		if !found {
			return c.known[id], e, nil
		}
		if c.known[next] == nil {
			m, err := FetchManifest(ctx, c.client, next)
			if err != nil {
				return nil, e, err
			}
			c.known[next] = &storeOf{id: next, manifest: m}
		}
		target := c.known[next].manifest.Find(path)
		if target == nil {
			return nil, e, fmt.Errorf("%w: the artifact that it refers to has no %q", ErrBadManifest, path)
		}
		id, e = next, *target
	}
	return nil, e, fmt.Errorf("%w: more than %d references in a row", ErrBadManifest, maxChain)
}

// missing returns those of list that are neither there nor in the cache.
func (d *download) missing(ctx context.Context, list []*wanted) ([]*wanted, error) {
	found := make([]bool, len(list))
	err := ForEach(ctx, len(list), d.o.Parallel, func(_ context.Context, i int) error {
		w := list[i]
		if has(d.root, w.to, w.entry.Digest, w.entry.Size) {
			found[i] = true
			d.count(w.entry.Size, func(r *Report) { r.Kept++ })
			return nil
		}
		cached, err := d.fromCache(w)
		if cached {
			found[i] = true
			d.count(w.entry.Size, func(r *Report) { r.Cached++ })
		}
		return err
	})
	var left []*wanted
	for i, w := range list {
		if !found[i] {
			left = append(left, w)
		}
	}
	return left, err
}

// reserve makes room in the cache for what will be fetched.
func (d *download) reserve(files []*storeOf) {
	var n int64
	for _, s := range files {
		for _, w := range s.list {
			n += max(w.entry.Size, 0)
		}
	}
	if n > 0 {
		d.o.Cache.reserve(n)
	}
}

// count adds a file that is done to what is told.
func (d *download) count(size int64, f func(*Report)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.report)
	d.progress.FilesDone++
	d.progress.BytesDone += max(size, 0)
	if d.o.Progress != nil {
		d.o.Progress(d.progress)
	}
}
