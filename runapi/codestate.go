package runapi

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/runapi/internal/gitrepo"
)

// stateFile says how the working tree differs from the commit of the run.
const stateFile = "git-state.json"

// Limits of the look at a working tree.
const (
	codeStateTime  = 30 * time.Second
	codeStateGrace = time.Second
	maxChanges     = 1000 // are listed
)

// codeState is git-state.json.
type codeState struct {
	Commit  string       `json:"commit"`
	Branch  string       `json:"branch,omitempty"`
	Remote  string       `json:"remote,omitempty"`
	Dirty   bool         `json:"dirty"` // a tracked file is not what it is in the commit
	Changes []codeChange `json:"changes,omitempty"`
	More    int          `json:"more_changes,omitempty"` // that are not listed
	Patch   string       `json:"patch,omitempty"`        // name of the run's file with them
	Partial bool         `json:"patch_is_partial,omitempty"`
}

type codeChange struct {
	Path   string `json:"path"`
	Status string `json:"status"` // A added, D deleted, M modified
}

// keepCode stores what Settings ask for of the code: sources now, the state of the
// working tree beside.
func (r *Run) keepCode(ctx context.Context) {
	if r.wantsCodeState() {
		r.back.Go(r.saveCode)
	}
	if r.set.CodeDir != "" && !r.set.Secondary && !r.set.DisableCode {
		_, err := r.LogCode(ctx, CodeOptions{Root: r.set.CodeDir})
		r.logError("code not logged", err)
	}
}

// saveCode looks at the working tree; a Finish leaves it codeStateGrace.
func (r *Run) saveCode() {
	ctx, cancel := context.WithTimeout(context.Background(), codeStateTime)
	defer cancel()
	go func() { // ends with ctx
		select {
		case <-r.stop:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(codeStateGrace):
			cancel()
		case <-ctx.Done():
		}
	}()
	r.logError("state of the code not stored", r.saveCodeState(ctx))
}

// wantsCodeState says whether saveCode has something to do.
func (r *Run) wantsCodeState() bool {
	off := r.set.DisableGit
	if r.set.inside {
		off = r.set.noGit
	}
	return r.set.SaveCode && !r.set.DisableCode && !off && !r.set.Secondary
}

func (r *Run) saveCodeState(ctx context.Context) error {
	dir := r.set.GitRoot
	if dir == "" {
		dir = "."
	}
	git := gitProbe(dir)
	if git.Commit == "" {
		return nil
	}
	_, gitDir := findGit(git.Root)
	repo := gitrepo.Open(git.Root, gitDir, commonDir(gitDir))
	defer repo.Close()
	changes, err := repo.Changes(ctx, git.Commit)
	if err != nil {
		return err
	}
	s := codeState{Commit: git.Commit, Branch: git.Branch, Remote: r.mask.URL(git.Remote), Dirty: len(changes) > 0}
	for i, c := range changes {
		if i == maxChanges {
			s.More = len(changes) - i
			break
		}
		s.Changes = append(s.Changes, codeChange{strings.ToValidUTF8(c.Path, "\ufffd"), string(c.Status)})
	}
	files := []string{stateFile}
	if len(changes) > 0 {
		patch, whole := gitrepo.AppendPatch(nil, changes)
		s.Patch, s.Partial = patchFile, !whole
		files = append(files, patchFile)
		err = r.writeFile(patchFile, []byte(r.mask.Known(string(patch))))
	}
	text, bad := json.MarshalIndent(s, "", "  ")
	if err = errors.Join(err, bad); err == nil {
		err = r.writeFile(stateFile, append(text, '\n'))
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.announce(wandbpb.FilesItem_NOW, files...)
}
