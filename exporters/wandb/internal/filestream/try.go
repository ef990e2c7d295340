package filestream

import (
	"context"
	"log/slog"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// try sends one request until the server has answered it for good.
func (s *Sender) try(ctx context.Context, b *Batch) error {
	s.body = b.appendJSON(s.body[:0], s.History, s.Events)
	defer s.shrink()
	for n := 0; ; n++ {
		if err := api.Sleep(ctx, s.pace.wait()); err != nil {
			return err
		}
		reply, err := s.o.Post(ctx, s.body)
		if err == nil {
			s.acknowledge(b, reply)
			return nil
		}
		if ctx.Err() != nil || api.Classify(err, api.Stream) != api.Retry || n >= s.o.Retry.Max {
			return err
		}
		wait := s.o.Retry.Wait(n, err)
		s.o.Trouble(err, wait)
		s.o.Logger.LogAttrs(ctx, slog.LevelDebug, "request failed and is tried again", slog.Any("error", err), slog.Duration("after", wait))
		if err := api.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// acknowledge notes what the server has now.
func (s *Sender) acknowledge(b *Batch, reply *api.StreamReply) {
	s.History += int64(b.History.Len())
	s.Events += int64(b.Events.Len())
	s.stopped = s.stopped || reply.Stopped
	s.pace.reply(reply)
}

// shrink does not keep the memory of one huge request.
func (s *Sender) shrink() {
	if cap(s.body) > 4*MaxRequest {
		s.body = nil
	}
}
