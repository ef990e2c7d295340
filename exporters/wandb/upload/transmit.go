package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/filestream"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// heartbeat is how long the server hears nothing of a run that has nothing to
// say. It takes a run for crashed after some minutes.
const heartbeat = 30 * time.Second

// parcel is a batch on its way, with the place in the logs behind it.
type parcel struct {
	batch   *filestream.Batch
	mark    Mark
	spans   []span
	offered offered
	read    int64
	last    bool // everything was read: nothing follows
}

// transmit sends batches until everything was read and sent, then ends the run
// at the server.
func (u *Uploader) transmit(ctx context.Context) error {
	var sent time.Time
	spare := new(filestream.Batch)
	for {
		if err := u.await(ctx, sent); err != nil {
			return err
		}
		p := u.pack(spare)
		if p.last && p.batch.Empty() && len(p.spans) == 0 {
			break
		}
		if err := u.deliver(ctx, p); err != nil {
			return err
		}
		sent, spare = time.Now(), p.batch
		if p.last {
			break
		}
	}
	return u.complete(ctx)
}

// await returns when a request is due: at once for what must not wait and for
// the first one, else Options.Transmit after the one before. A run with nothing
// to say is heard of all the same.
func (u *Uploader) await(ctx context.Context, sent time.Time) error {
	begin := time.Now()
	for {
		now, soon := u.feed.due(u.files)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		next := sent.Add(heartbeat)
		switch {
		case now || soon && sent.IsZero():
			return nil
		case soon:
			next = sent.Add(min(u.o.Transmit, heartbeat))
		case sent.IsZero():
			next = begin.Add(heartbeat)
		}
		wait := time.Until(next)
		if wait <= 0 {
			return nil
		}
		t := time.NewTimer(wait)
		select {
		case <-u.feed.pace:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// due says whether a request is to be sent at once, or in its turn.
func (f *feed) due(files *runFiles) (now, soon bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sealed || f.urgent || f.ended || f.full() {
		return true, true
	}
	return false, f.replayed && (!f.batch.Empty() || f.cost > 0 || f.changes.summary && !f.second || files.news())
}

// pack takes what is to be sent. spare is an empty batch for what comes next.
func (u *Uploader) pack(spare *filestream.Batch) parcel {
	f := u.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	p := parcel{batch: f.batch, mark: f.mark.clone(), spans: f.spans, offered: f.offered, read: f.read, last: f.ended}
	spare.Reset()
	f.batch, f.spans, f.cost, f.urgent, f.sealed = spare, nil, 0, false, false
	if f.changes.summary && !f.second {
		f.changes.summary = false
		p.batch.Summary = u.summaryLine()
	}
	for {
		at, lines := f.screen.Take(filestream.MaxRequest)
		if len(lines) == 0 {
			break
		}
		p.batch.Console = append(p.batch.Console, filestream.Console{At: f.mark.Console + f.cut + int64(at), Lines: lines})
	}
	p.batch.Uploaded = u.files.takeStored()
	if f.changes.config || f.changes.params {
		signal(u.tasks.state.change)
	}
	signal(f.space)
	return p
}

// summaryLine is the whole summary as one line; nil if it is too long, until it
// changes. Called with the feed locked.
func (u *Uploader) summaryLine() []byte {
	line, err := xjson.AppendValue(nil, u.feed.summary())
	if err != nil || len(line) > filestream.MaxLine {
		u.o.Logger.Error("the summary cannot be sent", "run", u.o.Dir.RunID, "bytes", len(line), "limit", filestream.MaxLine, "error", err)
		return nil
	}
	return line
}

// deliver notes the intent, sends, and notes what the server has then.
func (u *Uploader) deliver(ctx context.Context, p parcel) error {
	if p.batch.History.Len() > 0 || p.batch.Events.Len() > 0 {
		u.note(func(pos *position) { pos.Intent = p.spans })
	}
	err := u.sender.Send(ctx, p.batch)
	if errors.Is(err, filestream.ErrConflict) {
		err = u.reconcile(ctx, p, err)
	}
	if err != nil {
		u.files.giveBack(p.batch.Uploaded)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		u.trouble(err, 0)
		return fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, err)
	}
	u.commit(p)
	return nil
}

// commit moves the position behind a parcel.
func (u *Uploader) commit(p parcel) {
	p.mark.History, p.mark.Events = u.sender.History, u.sender.Events
	u.note(func(pos *position) {
		for name, num := range pos.Sources { // what was read of a log never goes back
			p.mark.Sources[name] = max(p.mark.Sources[name], num)
		}
		pos.Mark, pos.Intent = p.mark, nil
		u.files.told(pos, p.batch.Uploaded)
		u.acked, u.ackBytes = p.offered, p.read
	})
	u.o.Progress(u.Account())
	if u.sender.Stopped() {
		u.mu.Lock()
		first := !u.stopped
		u.stopped = true
		u.mu.Unlock()
		if first {
			u.o.OnStop()
		}
	}
}

// reconcile asks the server what it has when it does not agree with our
// offsets: an answer that got lost may have been to a request that was stored.
func (u *Uploader) reconcile(ctx context.Context, p parcel, cause error) error {
	id := u.Identity()
	info, err := untilReached(ctx, u, func() (*api.ResumeInfo, error) {
		return u.once.ResumeStatus(ctx, id.Entity, id.Project, id.RunID)
	})
	if err != nil {
		return err
	}
	if info == nil {
		return fmt.Errorf("%w: the run is gone: %w", ErrRefused, cause)
	}
	history := info.HistoryLineCount - u.sender.History
	events := info.EventsLineCount - u.sender.Events
	if history < 0 || events < 0 || history > int64(p.batch.History.Len()) || events > int64(p.batch.Events.Len()) {
		return fmt.Errorf("%w: it has %d rows and %d samples, and acknowledged %d and %d: %w",
			ErrRefused, info.HistoryLineCount, info.EventsLineCount, u.sender.History, u.sender.Events, cause)
	}
	p.batch.History.DropFirst(int(history))
	p.batch.Events.DropFirst(int(events))
	u.sender.History, u.sender.Events = info.HistoryLineCount, info.EventsLineCount
	return u.sender.Send(ctx, p.batch)
}

// refused keeps a line that the server does not take.
func (u *Uploader) refused(file string, line []byte, cause error) {
	u.o.Logger.Error("the server refuses a line: it is kept beside the log", "run", u.o.Dir.RunID, "file", file, "error", cause)
	u.mu.Lock()
	defer u.mu.Unlock()
	switch file {
	case "wandb-history.jsonl":
		u.pos.Refused.Rows++
	case "wandb-events.jsonl":
		u.pos.Refused.Samples++
	}
	text, err := json.Marshal(struct {
		File  string          `json:"file"`
		Line  json.RawMessage `json:"line"`
		Error string          `json:"error"`
	}{file, line, cause.Error()})
	if err == nil {
		err = appendLine(RefusedPath(u.o.Dir), append(text, '\n'))
	}
	if err != nil {
		u.o.Logger.Error("a refused line cannot be kept", "error", err)
	}
}

func appendLine(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// complete sends what waits for the end of a run, and says that it is over.
func (u *Uploader) complete(ctx context.Context) error {
	wrapped := make(chan error, 1)
	go func() { wrapped <- u.wrapUp(ctx) }() // ends with ctx
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for waiting := true; waiting; {
		select {
		case err := <-wrapped:
			if err != nil {
				return err
			}
			waiting = false
		case <-beat.C:
			if err := u.deliver(ctx, u.pack(new(filestream.Batch))); err != nil {
				return err
			}
		}
	}
	p := u.pack(new(filestream.Batch))
	f := u.feed
	if exit := f.exit; (!f.second || f.ends) && !exit.GetNotComplete() {
		p.batch.Complete = true
		p.batch.ExitCode = 1 // nobody saw the exit: the run must not look well
		if exit != nil && !(exit.GetUnknown() && exit.GetExitCode() == 0) {
			p.batch.ExitCode = int(exit.GetExitCode())
		}
	}
	if !p.batch.Empty() {
		if err := u.deliver(ctx, p); err != nil {
			return err
		}
	}
	u.note(func(pos *position) {
		pos.Complete, pos.Size, pos.Exit = true, logBytes(u.o.Dir), f.exit != nil
	})
	return u.markSynced()
}

// wrapUp waits for the tasks and sends the files of the run's end.
func (u *Uploader) wrapUp(ctx context.Context) error {
	u.tasks.close()
	select {
	case <-u.tasks.state.ended:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return u.files.finish(ctx)
}

// SyncedPath is the mark by which this tool and the official ones know that a
// run was sent.
func SyncedPath(logPath string) string { return logPath + ".synced" }

// RefusedPath has the lines that the server did not take, as JSON lines.
func RefusedPath(dir interface{ LogPath() string }) string {
	log := dir.LogPath()
	return log[:len(log)-len(filepath.Ext(log))] + ".refused.jsonl"
}

// markSynced leaves the mark. A log without its end is not marked: there may be
// more to come.
func (u *Uploader) markSynced() error {
	if u.feed.exit == nil {
		return nil
	}
	f, err := os.OpenFile(SyncedPath(u.o.Dir.LogPath()), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("mark run %s as sent: %w", u.o.Dir.RunID, err)
	}
	return f.Close()
}
