package upload

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/console"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/filestream"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// begin reads the log up to its run record, finds the run at the server, and
// makes everything ready to read on. done: the server has all of it already.
func (u *Uploader) begin(ctx context.Context) (done bool, err error) {
	run, err := u.awaitRun(ctx)
	if err != nil {
		return false, err
	}
	if done, err = u.already(); done || err != nil {
		return done, err
	}
	if u.pos == nil {
		if err := u.create(ctx, run); err != nil {
			return false, err
		}
	}
	return false, u.prepare(ctx, run)
}

// awaitRun reads the run record, waiting for it where the log is live.
func (u *Uploader) awaitRun(ctx context.Context) (*wandbpb.RunRecord, error) {
	f := u.feed
	for {
		final := u.isFinal()
		if err := u.logs.refresh(); err != nil {
			return nil, err
		}
		for s := u.logs.find(""); s != nil; {
			rec, ok, err := s.peek()
			if err != nil {
				return nil, fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, err)
			}
			if !ok {
				break
			}
			if rec.kind != kindHeader && rec.kind != kindRun {
				return nil, fmt.Errorf("upload run %s: its log does not begin with the run's names: %w", u.o.Dir.RunID, errNoRun)
			}
			f.mu.Lock()
			if rec.kind == kindHeader {
				f.headCut = runlog.CutLines(rec.body)
			}
			f.take("", rec)
			f.read = s.tail.End()
			f.mu.Unlock()
			s.pop()
			if rec.kind == kindRun && f.state.Run != nil {
				f.spans = nil
				return runOf(u.o.Dir, f.state.Run), nil
			}
		}
		if final {
			return nil, fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, errNoRun)
		}
		u.rest(ctx)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// errNoRun means that a log has no run record, so that nobody knows where it
// belongs.
var errNoRun = errors.New("the log has no run record")

// already says whether a finished upload has nothing new to send.
func (u *Uploader) already() (bool, error) {
	if u.pos == nil || !u.pos.Complete {
		return false, nil
	}
	if u.pos.Size == logBytes(u.o.Dir) {
		u.mu.Lock()
		u.report.Already = true
		u.identity = u.identityOf(u.pos)
		u.mu.Unlock()
		return true, nil
	}
	u.pos.Complete = false
	return false, nil
}

// create finds or makes the run at the server and fixes where it starts.
func (u *Uploader) create(ctx context.Context, run *wandbpb.RunRecord) error {
	pos := &position{
		Version: positionVersion, Server: u.o.Client.BaseURL(), Writer: newWriter(),
		Entity: either(u.o.Entity, run.GetEntity()), Project: either(u.o.Project, run.GetProject()), Run: either(u.o.RunID, u.o.Dir.Run()),
		Mark: Mark{Sources: map[string]int64{}, LastStep: -1}, Cut: u.feed.headCut,
	}
	if pos.Project == "" {
		pos.Project = "uncategorized"
	}
	if id := run.GetWriter().GetId(); id != "" {
		pos.Writer = id
	}
	in := u.params(run, pos)
	u.told.news(&in, in)
	start, err := u.branch(ctx, run, pos, &in)
	if err != nil {
		return err
	}
	if in.Config = u.configText(pos); run.GetWriter().GetSecondary() { // names and config are another writer's
		in = api.UpsertInput{ID: in.ID, Name: in.Name, Project: in.Project, Entity: in.Entity}
	}
	pos.Creating = true
	if err := pos.save(u.path); err != nil {
		return err
	}
	bucket, err := untilReached(ctx, u, func() (*api.Bucket, error) { return u.once.UpsertBucket(ctx, in) })
	if err != nil {
		return fmt.Errorf("create run %s: %w", pos.Run, err)
	}
	pos.take(bucket)
	pos.Creating = false
	if shared := run.GetWriter().GetShared(); start.plain && !shared && !bucket.Inserted && bucket.HistoryLineCount > 0 {
		if err := u.goOn(ctx, pos); err != nil {
			return err
		}
	}
	step, err := startingStep(u.o.Dir, start.step)
	if err != nil {
		return err
	}
	pos.StartingStep = step
	if !start.plain {
		pos.Shift = step - run.GetStartingStep()
		pos.LastStep = max(pos.LastStep, step-1)
	}
	u.mu.Lock()
	u.pos = pos
	u.mu.Unlock()
	return pos.save(u.path)
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

const writerLetters = "abcdefghijklmnopqrstuvwxyz0123456789"

// newWriter makes a name for this upload in the run's metadata.
func newWriter() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	for i := range b {
		b[i] = writerLetters[int(b[i])%len(writerLetters)]
	}
	return string(b)
}

// take notes what the server calls the run.
func (p *position) take(b *api.Bucket) {
	p.StorageID, p.Name, p.Sweep = b.ID, b.DisplayName, b.Sweep
	p.Entity, p.Project = either(b.Entity, p.Entity), either(b.Project, p.Project)
	p.Run = either(b.Name, p.Run)
}

// params are the names of a run as the server gets them.
func (u *Uploader) params(run *wandbpb.RunRecord, pos *position) api.UpsertInput {
	in := api.UpsertInput{
		ID: pos.StorageID, Name: pos.Run, Project: pos.Project, Entity: pos.Entity,
		Group: run.GetRunGroup(), DisplayName: run.GetDisplayName(), Notes: run.GetNotes(),
		Commit: run.GetGit().GetCommit(), Repo: run.GetGit().GetRemoteUrl(),
		Host: run.GetHost(), JobType: run.GetJobType(), Sweep: run.GetSweepId(), Tags: pos.Inherited.tags(run, u.feed.cleared.tags),
		EmptyNotes: u.feed.cleared.notes && run.GetNotes() == "",
	}
	if env := u.feed.state.Environment; env != nil {
		in.Program = env.GetProgram()
		in.Host = either(in.Host, env.GetHost())
		in.Commit = either(in.Commit, env.GetGit().GetCommit())
		in.Repo = either(in.Repo, env.GetGit().GetRemoteUrl())
	}
	return in
}

// facts are where a run happens. Records may tell of them late; names that a
// person can change on a page are not sent again with them.
type facts struct{ program, host, commit, repo string }

// news puts what the server was not told yet into in, and regards it as told.
func (t *facts) news(in *api.UpsertInput, all api.UpsertInput) {
	for _, f := range []struct {
		told     *string
		to, have *string
	}{
		{&t.program, &in.Program, &all.Program}, {&t.host, &in.Host, &all.Host},
		{&t.commit, &in.Commit, &all.Commit}, {&t.repo, &in.Repo, &all.Repo},
	} {
		if *f.told != *f.have {
			*f.told, *f.to = *f.have, *f.have
		}
	}
}

// configText is the config as JSON.
func (u *Uploader) configText(pos *position) string {
	text, err := xjson.AppendValue(nil, u.feed.wireConfig(pos))
	if err != nil { // it was JSON before
		u.o.Logger.Error("config cannot be encoded", "run", u.o.Dir.RunID, "error", err)
		return ""
	}
	return string(text)
}

// untilReached repeats a request for as long as the server cannot be reached:
// the run waits in its log meanwhile.
func untilReached[T any](ctx context.Context, u *Uploader, ask func() (T, error)) (T, error) {
	for n := 0; ; n++ {
		v, err := ask()
		if err == nil {
			u.answered()
			return v, nil
		}
		if ctx.Err() != nil {
			return v, context.Cause(ctx)
		}
		var e *api.Error
		if errors.As(err, &e) && e.Status != 0 {
			u.mu.Lock()
			u.reached = true
			u.mu.Unlock()
		}
		switch api.Classify(err, api.Upsert) {
		case api.Retry:
		case api.Auth:
			u.trouble(err, 0)
			return v, fmt.Errorf("%w: %w", ErrKey, err)
		default:
			u.trouble(err, 0)
			return v, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		wait := u.o.Retry.Wait(n, err)
		u.trouble(err, wait)
		if api.Sleep(ctx, wait) != nil {
			return v, context.Cause(ctx)
		}
	}
}

// prepare makes the feed go on from the position.
func (u *Uploader) prepare(ctx context.Context, run *wandbpb.RunRecord) error {
	features, err := u.o.Client.Features(ctx)
	if err != nil {
		u.o.Logger.Debug("server features are not known", "error", err)
	}
	u.mu.Lock()
	pos := u.pos
	u.identity = u.identityOf(pos)
	identity := u.identity
	u.mu.Unlock()
	f := u.feed
	w := run.GetWriter()
	files, err := openRunFiles(u, w, identity, pos)
	if err != nil {
		return err
	}
	u.mu.Lock()
	u.files, u.tasks = files, newTasks(u, identity, pos)
	u.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.label, f.second, f.ends = w.GetLabel(), w.GetSecondary(), besideClient(u.o.Dir)
	label := ""
	if w.GetShared() {
		label = w.GetLabel()
	}
	f.screen = console.New(console.Options{Label: label, Structured: features[api.FeatureStructuredConsoleLogs], Text: u.files.text})
	f.stats.start, f.stats.label = startSeconds(run), label
	read := f.mark
	f.acked = pos.Mark.clone().Sources
	f.mark = pos.Mark.clone()
	f.cut = f.headCut - pos.Cut
	f.resend = len(f.mark.Screens) > 1
	f.mark.Sources = read.Sources
	for part, label := range read.Labels { // what an earlier upload called a part stays
		if f.mark.Labels[part] == "" {
			f.meet(part, &wandbpb.Writer{Label: label})
		}
	}
	f.rows = rowMaker{shift: pos.Shift, earlier: pos.Earlier, shared: w.GetShared(), lastStep: pos.LastStep, moved: pos.Moved}
	if rec := pos.Inherited.record(); rec != nil {
		_ = f.state.Apply(rec)
	}
	f.handlers = handlers{files: u.files.add, alert: u.tasks.addAlert, artifact: u.tasks.addArtifact}
	f.changes = changes{config: len(pos.Sources) > 0}
	u.sender = filestream.NewSender(filestream.Options{
		Post: u.post, Retry: u.o.Retry, Refused: u.refused, Trouble: u.trouble, Logger: u.o.Logger,
	})
	u.sender.History, u.sender.Events = pos.History, pos.Events
	u.o.OnIdentity(identity)
	return nil
}

func startSeconds(run *wandbpb.RunRecord) float64 {
	t := run.GetStartTime()
	return float64(t.GetSeconds()) + float64(t.GetNanos())/1e9
}

func (u *Uploader) identityOf(p *position) Identity {
	return Identity{
		Entity: p.Entity, Project: p.Project, RunID: p.Run, DisplayName: p.Name, StorageID: p.StorageID,
		URL: u.o.Client.RunURL(p.Entity, p.Project, p.Run), Sweep: p.Sweep,
		Resumed: p.Resumed, StartingStep: p.StartingStep, Tags: p.Inherited.Tags, Notes: p.Inherited.Notes,
	}
}

// describe names a run for messages.
func describe(p *position) string {
	return strings.Trim(p.Entity+"/"+p.Project+"/"+p.Run, "/")
}
