package runfiles

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// maxBatch is the most names in one request.
const maxBatch = 1000

// maxTries is how often a file is sent that changes meanwhile, and how often a
// new URL is asked for when the server refuses one.
const maxTries = 3

// errChanged says that the server was sent a mixture of two versions.
var errChanged = errors.New("the file changed while it was sent")

// send stores a batch and returns when each file of it was sent, dropped or put
// back.
func (u *Uploader) send(ctx context.Context, batch []*file) {
	urls, err := u.ask(ctx, batch)
	if err != nil {
		u.unasked(ctx, batch, err)
		return
	}
	var puts sync.WaitGroup
	defer puts.Wait()
	for _, f := range batch {
		select {
		case u.slots <- struct{}{}:
		case <-ctx.Done():
			u.postpone(f)
			continue
		}
		puts.Go(func() {
			defer func() { <-u.slots }()
			u.store(ctx, f, urls)
		})
	}
}

// ask gets the signed URLs of a batch.
func (u *Uploader) ask(ctx context.Context, batch []*file) (*api.UploadURLs, error) {
	names := make([]string, len(batch))
	for i, f := range batch {
		names[i] = f.name
	}
	return u.o.Client.CreateRunFiles(ctx, u.o.Entity, u.o.Project, u.o.Run, names)
}

// unasked decides about a batch without URLs. A server that understood and
// refused may dislike one name: halves find it.
func (u *Uploader) unasked(ctx context.Context, batch []*file, err error) {
	v := api.Classify(err, api.GraphQL)
	refused := v == api.Final || v == api.TooLarge
	switch {
	case ctx.Err() != nil || v == api.Retry || v == api.Auth:
		u.outage(err)
		for _, f := range batch {
			u.postpone(f)
		}
	case refused && len(batch) > 1:
		u.send(ctx, batch[:len(batch)/2])
		u.send(ctx, batch[len(batch)/2:])
	default:
		for _, f := range batch {
			u.giveUp(f, err)
		}
	}
}

// outage notes why files were put back, for the wait before the next batch.
func (u *Uploader) outage(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = err
	u.failures++
}

// store sends one file.
func (u *Uploader) store(ctx context.Context, f *file, urls *api.UploadURLs) {
	v, err := u.put(ctx, f, urls)
	var answer *api.Error
	switch {
	case err == nil:
		u.sent(f, v)
		u.release(f)
	case errors.As(err, &answer) && api.Classify(err, api.Transfer) == api.Retry, ctx.Err() != nil:
		u.outage(err)
		u.postpone(f)
	case answer != nil && u.mayTryAgain(f): // a signed URL may have expired; a new one is asked for
		u.postpone(f)
	default:
		u.giveUp(f, err)
	}
}

// mayTryAgain counts the times that the server refused f.
func (u *Uploader) mayTryAgain(f *file) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	f.tries++
	return f.tries < maxTries
}

// put sends f until it stood still meanwhile, and returns what the server has.
func (u *Uploader) put(ctx context.Context, f *file, urls *api.UploadURLs) (v version, err error) {
	for try := 1; ; try++ {
		var steady bool
		v, steady, err = u.putOnce(ctx, f, urls)
		if steady || err != nil && !errors.Is(err, errChanged) {
			return v, err
		}
		u.mu.Lock()
		u.counts.Unsteady++
		u.mu.Unlock()
		if try == maxTries {
			u.o.Logger.Warn("file changed each time it was sent", slog.String("name", f.name), slog.Bool("whole", err == nil))
			return v, err
		}
	}
}

// putOnce sends f as it is now. steady means that it is still the same; an
// error of errChanged that the server has bytes which f never had together.
func (u *Uploader) putOnce(ctx context.Context, f *file, urls *api.UploadURLs) (v version, steady bool, err error) {
	r, err := u.open(f)
	if err != nil {
		return v, false, err
	}
	defer r.Close()
	if v, err = digest(r); err != nil {
		return v, false, fmt.Errorf("read %s: %w", f.name, err)
	}
	if v.md5 == u.has(f) {
		return v, true, nil
	}
	body := &checked{r: r}
	_, err = u.o.Client.Put(ctx, urls.URLs[f.name], urls.Headers, body, v.size)
	switch {
	case errors.Is(err, api.ErrShort), err == nil && !body.is(v):
		return v, false, fmt.Errorf("send %s: %w", f.name, errChanged)
	case err != nil:
		return v, false, fmt.Errorf("send %s: %w", f.name, err)
	}
	now, err := u.stat(f)
	return v, err == nil && stampOf(now) == v.stamp, nil
}

// has returns the MD5 of what the server has of f.
func (u *Uploader) has(f *file) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return f.md5
}
