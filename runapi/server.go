package runapi

import (
	"context"
	"errors"

	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/auth"
)

// online says whether the run is to be sent by this process.
func (s *Settings) online() bool {
	return (s.Mode == ModeOnline || s.Mode == ModeShared) && !s.inside
}

// connect finds the run's server and its key, and makes the client, shared for
// one of several writers of a run. It opens no connection. The error is why the run has to be kept.
func (r *Run) connect(shared bool) (*api.Client, error) {
	from := auth.NewSource(r.set.Environ, r.set.Dir)
	from.BaseURL, from.Key = r.set.BaseURL, r.set.APIKey
	o := api.Options{
		Username: r.set.Username, Email: r.set.Email, Headers: r.set.ExtraHeaders,
		UserAgent: "wandb-agent/" + wandb.Version, InsecureTLS: r.set.InsecureTLS, Logger: r.set.Logger,
	}
	if shared {
		o.Shared = &api.SharedWriter{ClientID: r.writer}
	}
	c, err := auth.Connect(from, o)
	if errors.Is(err, auth.ErrNone) || errors.Is(err, auth.ErrWorkspaceServer) {
		err = keyless{err}
	}
	if err != nil {
		return nil, err
	}
	return c.Client, nil
}

// findServer makes the client of a run that is to be sent, or keeps the reason
// why there is none. The error is that of a run that needs one.
func (r *Run) findServer() error {
	if r.set.online() {
		r.client, r.kept = r.connect(r.set.Mode == ModeShared)
	}
	if r.kept != nil && r.set.RequireLogin {
		return &InitError{"server", r.kept}
	}
	return nil
}

// goOnline begins to send the run, or says that it is kept.
func (r *Run) goOnline(ctx context.Context) error {
	if !r.set.online() {
		r.base = r.set.firstStep()
		return nil
	}
	r.base = r.set.firstStep()
	if r.client != nil {
		r.kept = r.startUplink(r.client)
	}
	if r.kept == nil {
		r.kept = r.settleStart(ctx)
	}
	if r.kept != nil && r.link.Load() != nil {
		if r.set.RunDir == nil {
			return r.giveUp(r.kept)
		}
		r.link.Swap(nil).abandon() // the command goes on: the run is kept
	}
	if r.kept != nil {
		r.addNotice("run %s is kept in %s: %v; send it with: wandb-agent sync %s", r.Path(), r.dir.Path, r.kept, r.dir.Path)
		r.set.Logger.Warn("run is kept offline", "run", r.Path(), "dir", r.dir.Path, "error", r.kept)
	}
	return nil
}
