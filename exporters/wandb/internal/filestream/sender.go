package filestream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

var (
	// ErrKey means that the server does not take the key (401, 403). Nothing of
	// the batch is known to be stored.
	ErrKey = errors.New("the server does not accept the key")
	// ErrConflict means that the server's offsets are not ours (409).
	ErrConflict = errors.New("the server has other lines")
	// ErrRefused means that the server refuses whatever is sent for this run.
	ErrRefused = errors.New("the server refuses the run")
)

// Options of a [Sender].
type Options struct {
	// Post sends one request, once.
	Post func(ctx context.Context, body []byte) (*api.StreamReply, error)
	// Retry is how long to try; the zero value is api.StreamRetry.
	Retry api.RetryPolicy
	// Refused is told of every line that the server does not take and that is
	// therefore not sent again. The line is valid until it returns.
	Refused func(file string, line []byte, cause error)
	// Trouble is told of every request that failed and is tried again after
	// wait; nil: nobody.
	Trouble func(err error, wait time.Duration)
	Logger  *slog.Logger // nil: silent
}

// Sender sends batches, one request at a time, and knows the offsets of the
// lines that come next. One goroutine may use it.
type Sender struct {
	History, Events int64 // numbers of the next lines

	o       Options
	pace    pace
	stopped bool
	body    []byte
}

// NewSender starts at line 0 of every file.
func NewSender(o Options) *Sender {
	if o.Retry == (api.RetryPolicy{}) {
		o.Retry = api.StreamRetry
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Trouble == nil {
		o.Trouble = func(error, time.Duration) {}
	}
	return &Sender{o: o}
}

// Stopped says that the server asked the run to stop. It stays true.
func (s *Sender) Stopped() bool { return s.stopped }

// Send returns nil when every line of b was acknowledged, or refused and put
// aside, and advances the offsets. It keeps trying through outages until ctx
// ends or the retries are used up. Other errors are ErrKey, ErrConflict,
// ErrRefused: the offsets are then those of the lines that were acknowledged.
func (s *Sender) Send(ctx context.Context, b *Batch) error {
	first := *b
	var late *Batch
	if b.Complete && len(b.Console) > 1 { // the last request of the run is the one that says so
		late = &Batch{Complete: true, ExitCode: b.ExitCode}
		first.Complete = false
	}
	if len(b.Console) > 1 {
		first.Console = b.Console[:1]
	}
	if err := s.send(ctx, &first, false); err != nil {
		return err
	}
	for i := 1; i < len(b.Console); i++ {
		if err := s.send(ctx, &Batch{Console: b.Console[i : i+1]}, false); err != nil {
			return err
		}
	}
	if late != nil {
		return s.send(ctx, late, false)
	}
	return nil
}

// send sends what fits one request and divides it where the server wants that.
// probed says that the server is known to take other requests for this run.
func (s *Sender) send(ctx context.Context, b *Batch, probed bool) error {
	err := s.try(ctx, b)
	if err == nil || ctx.Err() != nil {
		return err
	}
	switch api.Classify(err, api.Stream) {
	case api.Retry: // the retries are used up
		return err
	case api.Auth:
		return fmt.Errorf("%w: %w", ErrKey, err)
	case api.Conflict:
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case api.TooLarge:
		return s.divide(ctx, b, err, probed)
	case api.Final, api.NotFound:
		if !aboutContent(err) || b.Empty() {
			break
		}
		if !probed && s.try(ctx, &Batch{}) != nil { // not this content but everything
			break
		}
		return s.divide(ctx, b, err, true)
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// aboutContent says whether the server answered at all: TLS and proxies that
// fail say nothing of the lines.
func aboutContent(err error) bool {
	var e *api.Error
	return errors.As(err, &e) && e.Status >= 400
}

// divide sends b in parts until the lines at fault are alone, and puts these
// aside.
func (s *Sender) divide(ctx context.Context, b *Batch, cause error, probed bool) error {
	parts := b.parts()
	if len(parts) == 0 && b.Complete {
		return fmt.Errorf("%w: %w", ErrRefused, cause)
	}
	if len(parts) == 0 {
		s.refuse(b, cause)
	}
	for _, part := range parts {
		if err := s.send(ctx, part, probed); err != nil {
			return err
		}
	}
	return nil
}

// refuse puts the content of an indivisible batch aside.
func (s *Sender) refuse(b *Batch, cause error) {
	put := func(file string, l *Lines) {
		if l.Len() > 0 {
			s.o.Refused(file, l.body, cause)
		}
	}
	put("wandb-history.jsonl", &b.History)
	put("wandb-events.jsonl", &b.Events)
	if b.Summary != nil {
		s.o.Refused("wandb-summary.json", appendString(nil, b.Summary), cause)
	}
	for _, c := range b.Console {
		s.o.Refused("output.log", appendStrings(nil, c.Lines), cause)
	}
	for _, name := range b.Uploaded {
		s.o.Refused("uploaded", appendString(nil, []byte(name)), cause)
	}
}

// parts divides b: history, events and the rest apart, then each in halves.
// None if it cannot be divided.
func (b *Batch) parts() []*Batch {
	var kinds []*Batch
	if b.History.Len() > 0 {
		kinds = append(kinds, &Batch{History: b.History})
	}
	if b.Events.Len() > 0 {
		kinds = append(kinds, &Batch{Events: b.Events})
	}
	if rest := b.rest(); !rest.Empty() {
		kinds = append(kinds, rest)
	}
	if len(kinds) > 1 {
		return kinds
	}
	if n := b.History.Len(); n > 1 {
		return []*Batch{{History: b.History.slice(0, n/2)}, {History: b.History.slice(n/2, n)}}
	}
	if n := b.Events.Len(); n > 1 {
		return []*Batch{{Events: b.Events.slice(0, n/2)}, {Events: b.Events.slice(n/2, n)}}
	}
	return b.restParts()
}

// restParts divides what is neither history nor events.
func (b *Batch) restParts() []*Batch {
	var kinds []*Batch
	if b.Summary != nil {
		kinds = append(kinds, &Batch{Summary: b.Summary})
	}
	if len(b.Console) > 0 {
		kinds = append(kinds, &Batch{Console: b.Console})
	}
	if len(b.Uploaded) > 0 {
		kinds = append(kinds, &Batch{Uploaded: b.Uploaded})
	}
	if b.Preempting {
		kinds = append(kinds, &Batch{Preempting: true})
	}
	if b.Complete {
		kinds = append(kinds, &Batch{Complete: true, ExitCode: b.ExitCode})
	}
	if len(kinds) > 1 {
		return kinds
	}
	if len(b.Console) == 1 && len(b.Console[0].Lines) > 1 {
		c := b.Console[0]
		n := len(c.Lines) / 2
		return []*Batch{{Console: []Console{{c.At, c.Lines[:n]}}}, {Console: []Console{{c.At + int64(n), c.Lines[n:]}}}}
	}
	return nil
}
