package runapi

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// Token names a run that Detach left open, for Reattach in this or another
// process on a machine that sees the run's directory. It is text without secrets.
type Token string

// tokenStep stands between the directory and the starting step in a token.
const tokenStep = "?starting_step="

// ErrToken is the cause of Reattach's error for a text that Detach did not make,
// or whose run is gone.
var ErrToken = errors.New("no such token")

// errPart is why a program inside exec cannot leave the run open: it is exec's.
var errPart = errors.New("the run is that of the exec around this program")

// Detach lets go of the run without ending it: the open step is stored, the log
// is closed without an exit, hardware and sending stop. Reattach goes on, with the
// next step and what names, config and summary are then; what the server does not
// have yet is sent by it, or by wandb-agent sync, which however ends the run. Until
// then the server hears nothing of the run and takes it for crashed after some
// minutes, which the next word of it mends.
//
// After Detach methods that store something return ErrFinished, and a deferred
// Close does nothing. The error names what could not be stored; when ctx ends
// Detach waits no longer for outputs. The token is valid in any case but
// ErrFinished. A nil or disabled run has no token and no error.
func (r *Run) Detach(ctx context.Context) (Token, error) {
	if r == nil || r.off {
		return "", nil
	}
	if r.set.inside {
		return "", fmt.Errorf("detach run %s: %w", r.set.ID, errPart)
	}
	hooks, err := r.beginFinish()
	if err != nil {
		return "", err
	}
	defer close(r.ended)
	defer signals.remove(r)
	err = r.quiesce(ctx, hooks, false)
	r.stopWaiting()
	r.link.Load().abandon()
	if r.client != nil {
		r.client.CloseIdle()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgetAdopted()
	if err = errors.Join(err, r.lines.close(), r.writeSummary(), r.closeLog()); err != nil {
		err = fmt.Errorf("detach run %s: %w", r.set.ID, err)
	}
	return r.token(), err
}

// token names the run.
func (r *Run) token() Token {
	path := r.dir.Path
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return Token(path + tokenStep + strconv.FormatInt(r.base, 10))
}

// Reattach goes on with a run that Detach left open. Id, names, start time, step,
// config and summary are the run's; everything else s says, which is best what the
// run was begun with. Errors are *InitError: ErrToken, runlog.ErrLocked while another
// process has the run, ErrFinished for one that was ended since.
func Reattach(ctx context.Context, token Token, s Settings) (*Run, error) {
	path, step, ok := cutLast(string(token), tokenStep)
	base, err := strconv.ParseInt(step, 10, 64)
	if !ok || err != nil || base < 0 {
		return nil, &InitError{"directory", fmt.Errorf("token %.200q: %w", string(token), ErrToken)}
	}
	dir, err := runlog.OpenDir(path)
	if err != nil {
		return nil, &InitError{"directory", fmt.Errorf("%w: %w", ErrToken, err)}
	}
	s.RunDir, s.ID, s.base = dir, "", base
	s.Resume, s.ResumeFrom, s.ForkFrom = "", "", ""
	s.reattach = true
	return Init(ctx, s)
}

// cutLast cuts text around the last sep.
func cutLast(text, sep string) (before, after string, found bool) {
	i := strings.LastIndex(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(sep):], true
}
