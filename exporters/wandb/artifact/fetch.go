package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// fetchAll fetches the files that one version stores.
func (d *download) fetchAll(ctx context.Context, s *storeOf) error {
	todo := s.list
	for len(todo) > 0 {
		batch := todo[:min(len(todo), api.MaxEntryURLs)]
		todo = todo[len(batch):]
		if err := d.urls(ctx, s, batch); err != nil {
			return err
		}
		again, err := d.fetchBatch(ctx, batch)
		if err != nil {
			return err
		}
		todo = append(todo[:len(todo):len(todo)], again...)
	}
	return nil
}

// fetchBatch returns the files whose URL expired.
func (d *download) fetchBatch(ctx context.Context, batch []*wanted) (again []*wanted, err error) {
	var mu sync.Mutex
	err = ForEach(ctx, len(batch), d.o.Parallel, func(ctx context.Context, i int) error {
		w := batch[i]
		err := d.fetch(ctx, w)
		if isExpired(err) && w.urls < maxURLs {
			mu.Lock()
			again = append(again, w)
			mu.Unlock()
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", w.to, err)
		}
		return nil
	})
	return again, err
}

// urls asks where the files of a batch are.
func (d *download) urls(ctx context.Context, s *storeOf, batch []*wanted) error {
	entries := make([]api.ManifestEntry, len(batch))
	for i, w := range batch {
		entries[i] = api.ManifestEntry{Name: w.entry.Path, Digest: w.entry.Digest, BirthArtifactID: w.entry.BirthArtifactID, Size: max(w.entry.Size, 0)}
	}
	urls, err := d.client.ArtifactEntryURLs(ctx, s.id, entries, s.manifest.layout(), strconv.Itoa(manifestVersion), s.manifest.Region)
	if isUnknown(err) {
		urls, err = d.allURLs(ctx, s.id)
	}
	if err != nil {
		return err
	}
	for _, w := range batch {
		w.urls++
		if w.url = urls[w.entry.Path]; w.url == "" {
			return fmt.Errorf("%s: the server does not say where it is", w.to)
		}
	}
	return nil
}

// isUnknown says that the server does not know an operation.
func isUnknown(err error) bool {
	var e *api.Error
	return errors.As(err, &e) && len(e.Messages) > 0 && (e.Status == http.StatusOK || e.Status == http.StatusBadRequest)
}

// allURLs asks as older servers know it: page by page for all files.
func (d *download) allURLs(ctx context.Context, id string) (map[string]string, error) {
	all, cursor := map[string]string{}, ""
	for {
		page, next, err := d.client.ArtifactFileURLs(ctx, id, cursor, api.MaxEntryURLs)
		if err != nil {
			return nil, err
		}
		for name, url := range page {
			all[name] = url
		}
		if next == "" || next == cursor {
			return all, nil
		}
		cursor = next
	}
}

// fetch gets a file, verifies it, puts it into its place and into the cache.
func (d *download) fetch(ctx context.Context, w *wanted) error {
	p, err := beginFile(d.root, w.to)
	if err != nil {
		return err
	}
	if err := d.get(ctx, w, p.file); err != nil {
		p.abort()
		return err
	}
	digest, size, err := p.sum()
	if err == nil && (digest != w.entry.Digest || w.entry.Size >= 0 && size != w.entry.Size) {
		err = ErrBadDigest
	}
	if err != nil {
		p.abort()
		return err
	}
	if !w.entry.SkipCache {
		d.o.Cache.add(w.sum, size, func(temp string) error { return d.keep(p, temp) })
	}
	if err := p.commit(); err != nil {
		return err
	}
	d.count(size, func(r *Report) { r.Files++; r.Bytes += size })
	return nil
}

// keep gives the cache its copy, or its link.
func (d *download) keep(p *placing, temp string) error {
	if d.o.Cache.Link && p.linkOut(temp) == nil {
		return os.Chmod(temp, 0o444)
	}
	return copyTo(p.file, temp)
}

// get writes the content of a file to f: small ones in one piece, large ones in
// parts, several at a time.
func (d *download) get(ctx context.Context, w *wanted, f *os.File) error {
	size := w.entry.Size
	if size < d.o.Ranged {
		if size < 0 {
			size = d.o.MaxUnknown
		}
		return d.getPart(ctx, w.url, 0, -1, &bounded{f, size})
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	n := int((size + d.o.Part - 1) / d.o.Part)
	return ForEach(ctx, n, d.o.Parallel, func(ctx context.Context, i int) error {
		off := int64(i) * d.o.Part
		length := min(d.o.Part, size-off)
		return d.getPart(ctx, w.url, off, length, &bounded{io.NewOffsetWriter(f, off), length})
	})
}

func (d *download) getPart(ctx context.Context, url string, off, length int64, to io.WriterAt) error {
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.slots }()
	_, err := d.client.Get(ctx, url, off, length, to)
	return err
}

// fromCache puts a file into its place from the cache, if it is there and right.
func (d *download) fromCache(w *wanted) (found bool, err error) {
	f := d.o.Cache.open(w.sum, w.entry.Size)
	if f == nil {
		return false, nil
	}
	defer f.Close()
	p, err := beginFile(d.root, w.to)
	if err != nil {
		return false, fmt.Errorf("%s: %w", w.to, err)
	}
	digest := ""
	if linked := d.o.Cache.Link && p.link(f.Name()) == nil; linked {
		digest, _, err = SumReader(f)
	} else if _, err = io.Copy(p.file, f); err == nil {
		digest, _, err = p.sum()
	}
	if err == nil && digest != w.entry.Digest {
		d.o.Cache.drop(w.sum)
		p.abort()
		return false, nil
	}
	if err != nil {
		p.abort()
		return false, fmt.Errorf("%s: %w", w.to, err)
	}
	return true, p.commit()
}

// reference fetches what an entry refers to.
func (d *download) reference(ctx context.Context, e Entry) error {
	h, err := FindHandler(d.o.Handlers, e.Ref)
	if err != nil {
		return err
	}
	in, err := h.Open(ctx, e)
	if err != nil {
		return err
	}
	defer in.Close()
	p, err := beginFile(d.root, e.Path)
	if err != nil {
		return err
	}
	limit := e.Size
	if limit < 0 {
		limit = d.o.MaxUnknown
	}
	n, err := io.Copy(io.NewOffsetWriter(&bounded{p.file, limit}, 0), in)
	if err == nil && e.Size >= 0 && n != e.Size {
		err = fmt.Errorf("%w: %d bytes, not %d", ErrBadDigest, n, e.Size)
	}
	if err != nil {
		p.abort()
		return err
	}
	if err := p.commit(); err != nil {
		return err
	}
	d.count(n, func(r *Report) { r.References++; r.Bytes += n })
	return nil
}
