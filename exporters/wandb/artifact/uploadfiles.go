package artifact

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// How many URLs are asked for at once: few at first, then what a minute takes,
// so that no URL grows old before its file has its turn.
const (
	firstBatch = 25
	maxBatch   = 2000
	batchTime  = time.Minute
)

// maxURLs is how many URLs a file gets: signed ones expire.
const maxURLs = 3

// A sending is a file to be stored.
type sending struct {
	entry  *Entry
	name   string // where it lies
	sum    [SumBytes]byte
	parts  []api.Part // of one that goes up in parts
	size   int64      // of a part
	target api.FileTarget
	urls   int // asked for
}

// files stores the files of all entries that have one.
func (u *upload) files(ctx context.Context, manifestID string) error {
	todo, err := u.sendings()
	if err != nil {
		return err
	}
	for len(todo) > 0 {
		if todo, err = u.round(ctx, manifestID, todo); err != nil {
			return err
		}
	}
	return nil
}

func (u *upload) sendings() ([]*sending, error) {
	var todo []*sending
	for i := range u.manifest.Entries {
		e := &u.manifest.Entries[i]
		if e.LocalPath == "" || e.Ref != "" {
			continue
		}
		sum, err := ParseSum(e.Digest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Path, err)
		}
		todo = append(todo, &sending{entry: e, name: located(e.LocalPath, u.o.Staging), sum: sum})
		u.progress.Bytes += e.Size
	}
	u.progress.Files = len(todo)
	return todo, nil
}

// round asks for a URL for each of todo and sends them, several at a time. It
// returns those that need another URL.
func (u *upload) round(ctx context.Context, manifestID string, todo []*sending) (again []*sending, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan *sending)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range min(u.o.Parallel, len(todo)) {
		wg.Go(func() {
			for s := range work {
				switch err := u.send(ctx, s); {
				case err == nil:
					u.count(s.entry, false)
				case isExpired(err) && s.urls < maxURLs:
					mu.Lock()
					again = append(again, s)
					mu.Unlock()
				default:
					cancel(fmt.Errorf("%s: %w", s.entry.Path, err))
				}
			}
		})
	}
	if err := u.feed(ctx, manifestID, todo, work); err != nil {
		cancel(err)
	}
	close(work)
	wg.Wait()
	return again, context.Cause(ctx)
}

// feed asks for URLs batch by batch and hands the files to those who send them.
// While the last files of a batch are on their way it asks for the next.
func (u *upload) feed(ctx context.Context, manifestID string, todo []*sending, work chan<- *sending) error {
	size := firstBatch
	for len(todo) > 0 {
		began := time.Now()
		batch := todo[:min(size, len(todo))]
		todo = todo[len(batch):]
		if err := u.ask(ctx, manifestID, batch); err != nil {
			return err
		}
		for _, s := range batch {
			if s.target.UploadURL == "" && len(s.target.PartURLs) == 0 {
				u.count(s.entry, true)
				continue
			}
			select {
			case work <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		size = nextBatch(len(batch), time.Since(began))
	}
	return nil
}

// nextBatch is as many files as go up in batchTime, when n took so long.
func nextBatch(n int, took time.Duration) int {
	per := max(took/time.Duration(n), 1)
	return int(min(max(batchTime/per, firstBatch), maxBatch))
}

// ask gets the URLs of a batch, and learns where its files were first stored.
func (u *upload) ask(ctx context.Context, manifestID string, batch []*sending) error {
	for _, s := range batch {
		if s.entry.Size < u.o.Multipart || s.parts != nil {
			continue
		}
		if err := s.split(ctx, u.o.Part, u.o.Parallel); err != nil {
			return err
		}
	}
	files := make([]api.ArtifactFile, len(batch))
	for i, s := range batch {
		files[i] = api.ArtifactFile{ArtifactID: u.stored.ID, ManifestID: manifestID, Name: s.entry.Path, MD5: s.entry.Digest, Parts: s.parts}
	}
	targets, err := u.client.CreateArtifactFiles(ctx, files)
	if err != nil {
		return err
	}
	for i, s := range batch {
		s.target, s.urls = targets[i], s.urls+1
		s.entry.BirthArtifactID = s.target.BirthArtifactID
		if s.entry.BirthArtifactID == "" {
			s.entry.BirthArtifactID = u.stored.ID
		}
	}
	return nil
}

// open opens the file, which must still have its size.
func (s *sending) open() (*os.File, error) {
	f, err := openRegular(s.name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() != s.entry.Size {
		err = fmt.Errorf("%s %w: %d bytes, not %d", s.name, ErrChanged, info.Size(), s.entry.Size)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (u *upload) send(ctx context.Context, s *sending) error {
	f, err := s.open()
	if err != nil {
		return err
	}
	defer f.Close()
	if len(s.target.PartURLs) > 0 {
		return u.sendParts(ctx, s, f)
	}
	_, err = u.put(ctx, s, s.target.UploadURL, s.target.UploadHeaders, io.NewSectionReader(f, 0, s.entry.Size), s.sum)
	return err
}

// put sends a piece of a file, or the whole, and compares it with its sum on the
// way. The first wrong piece ends the request.
func (u *upload) put(ctx context.Context, s *sending, url string, headers []string, piece *io.SectionReader, sum [SumBytes]byte) (etag string, err error) {
	select {
	case u.slots <- struct{}{}:
		defer func() { <-u.slots }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	changed := fmt.Errorf("%s %w", s.name, ErrChanged)
	body := newCheckedBody(piece, sum, func() { cancel(changed) })
	etag, err = u.client.Put(ctx, url, headers, body, piece.Size())
	switch {
	case context.Cause(ctx) == changed:
		return "", changed
	case err == nil && !body.sent():
		return "", fmt.Errorf("the server was content with a part of %s", s.name)
	}
	return etag, err
}

// located returns where a staged file lies now: in dir, when it is not where it
// was and the run's folder was moved.
func located(name, dir string) string {
	if dir == "" {
		return name
	}
	if _, err := os.Stat(name); err == nil {
		return name
	}
	if moved := filepath.Join(dir, filepath.Base(name)); regularAt(moved) {
		return moved
	}
	return name
}

func regularAt(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular()
}
