package runapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// checkBranch settles how the run goes on from another or from itself.
func (r *resolver) checkBranch(s *Settings) {
	bad := func(format string, args ...any) { r.errs = append(r.errs, fmt.Errorf(format, args...)) }
	switch s.Resume {
	case "", "must", "allow", "never", "auto":
	default:
		bad("resume %q: %w", s.Resume, errResume)
	}
	asked := 0
	for _, text := range []string{s.Resume, s.ResumeFrom, s.ForkFrom} {
		if text != "" {
			asked++
		}
	}
	if asked > 1 {
		bad("resume, resume_from and fork_from exclude each other")
		return
	}
	text := s.ResumeFrom + s.ForkFrom
	if text == "" {
		return
	}
	point, err := parseMoment(text)
	switch {
	case err != nil:
		bad("%w", err)
	case s.ResumeFrom != "" && s.ID == "":
		s.ID = point.GetRun()
	case s.ResumeFrom != "" && s.ID != point.GetRun():
		bad("resume_from %q: the run id is %q, and a run goes back only to a step of its own", text, s.ID)
	case s.ForkFrom != "" && s.ID == point.GetRun():
		bad("fork_from %q: a fork needs a run id of its own", text)
	}
	s.branch = point
}

// parseMoment reads "ID?_step=N".
func parseMoment(text string) (*wandbpb.BranchPoint, error) {
	id, query, _ := strings.Cut(text, "?")
	number, ok := strings.CutPrefix(query, "_step=")
	step, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || step < 0 || step > maxStep {
		return nil, fmt.Errorf("moment %q: want ID?_step=N", text)
	}
	if err := runlog.CheckID(id); err != nil {
		return nil, fmt.Errorf("moment %q: %w", text, err)
	}
	return &wandbpb.BranchPoint{Run: id, Value: float64(step), Metric: "_step"}, nil
}

// firstStep is the step at which the run begins as far as the settings tell:
// behind the moment that it was cut or forked at.
func (s *Settings) firstStep() int64 {
	if s.branch == nil {
		return s.base
	}
	if s.branch.GetValue() >= math.MaxInt64 {
		return 0
	}
	return int64(s.branch.GetValue()) + 1
}

// autoResumePath is the file in which a directory keeps the id of the run that
// auto goes on with. The official client uses the same.
func autoResumePath(wandbDir string) string { return filepath.Join(wandbDir, "wandb-resume.json") }

// readAutoResume returns the id in the file, "" when there is none that can be
// used.
func readAutoResume(wandbDir string) string {
	text, err := readBounded(autoResumePath(wandbDir), maxSettingsFile)
	if err != nil {
		return ""
	}
	var v struct {
		RunID string `json:"run_id"`
	}
	if json.Unmarshal(text, &v) != nil || runlog.CheckID(v.RunID) != nil {
		return ""
	}
	return v.RunID
}

// keepAutoResume writes the file for an auto run and removes it for any other:
// what a run does not ask to go on with is over.
func (r *Run) keepAutoResume(wandbDir string) error {
	path := autoResumePath(wandbDir)
	if r.set.Resume == "auto" {
		text, err := json.Marshal(map[string]string{"run_id": r.set.ID})
		if err != nil {
			return err
		}
		return replaceFile(path, text)
	}
	if r.set.Resume != "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// forgetAutoResume removes the file when the run that it names ended well.
func (r *Run) forgetAutoResume(exit Exit) {
	if r.set.Resume != "auto" || exit.Unknown || exit.Code != 0 {
		return
	}
	dir := filepath.Dir(r.dir.Path)
	if readAutoResume(dir) != r.set.ID {
		return
	}
	if err := os.Remove(autoResumePath(dir)); err != nil {
		r.set.Logger.Warn("auto resume file not removed", "run", r.set.ID, "error", err)
	}
}
