package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// ErrNoRun means that a run is not stored.
var ErrNoRun = errors.New("no such run")

// Run is a stored run, read back. Texts of JSON may hold NaN and the
// infinities.
type Run struct {
	store.Facts
	Config    string           `json:"config"`  // {"key": {"value": ...}}
	Summary   string           `json:"summary"` // "" if there is none
	History   []string         `json:"history"` // a line a step
	Events    []string         `json:"events"`  // system metrics
	Console   []string         `json:"console"`
	Files     []store.File     `json:"files"`
	Artifacts []store.Artifact `json:"artifacts"` // that it made
}

// Run reads a run back.
func (s *Server) Run(entity, project, id string) (*Run, error) {
	r := s.store.Run(entity, project, id)
	if r == nil {
		return nil, fmt.Errorf("%w: %s/%s/%s", ErrNoRun, entity, project, id)
	}
	out := &Run{Facts: r.Facts(), Config: string(r.Config()), Summary: string(r.Summary())}
	history, errH := r.History(0, math.MaxInt64)
	events, errE := r.Events(0, math.MaxInt64)
	files, errF := r.Files()
	out.History, out.Events, out.Console, out.Files = texts(history), texts(events), texts(r.Console()), files
	out.Artifacts = s.store.FindArtifacts(func(a *store.Artifact) bool {
		return a.Entity == entity && a.Project == project && a.Run == id
	})
	return out, errors.Join(errH, errE, errF)
}

func texts(lines [][]byte) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = string(l)
	}
	return out
}

// File reads a file of a run.
func (s *Server) File(entity, project, id, name string) ([]byte, error) {
	r := s.store.Run(entity, project, id)
	if r == nil {
		return nil, ErrNoRun
	}
	f, err := r.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return os.ReadFile(f.Name())
}

// Runs lists the ids of the runs of a project, oldest first.
func (s *Server) Runs(entity, project string) []string {
	var out []string
	for _, r := range s.store.Runs(entity, project) {
		out = append(out, r.Facts().Name)
	}
	return out
}

// RequestStop asks the program of a run to stop, as the button of the page
// does.
func (s *Server) RequestStop(entity, project, id string) error {
	r := s.store.Run(entity, project, id)
	if r == nil {
		return fmt.Errorf("%w: %s/%s/%s", ErrNoRun, entity, project, id)
	}
	return r.Change(func(f *store.Facts) { f.Stopped = true })
}

func (s *Server) proofRun(w http.ResponseWriter, r *http.Request) {
	run, err := s.Run(r.PathValue("entity"), r.PathValue("project"), r.PathValue("run"))
	if err != nil {
		s.refuse(w, http.StatusNotFound, err)
		return
	}
	writeJSON(w, http.StatusOK, run)
}

func (s *Server) proofRequests(w http.ResponseWriter, r *http.Request) {
	since, _ := strconv.Atoi(r.URL.Query().Get("since"))
	var buf bytes.Buffer
	for _, rec := range s.Requests(since) {
		if text, err := json.Marshal(rec); err == nil {
			buf.Write(append(text, '\n'))
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, _ = w.Write(buf.Bytes())
}

func (s *Server) proofViolations(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, append([]string{}, s.Violations()...))
}

func (s *Server) proofStop(w http.ResponseWriter, r *http.Request) {
	if err := s.RequestStop(r.PathValue("entity"), r.PathValue("project"), r.PathValue("run")); err != nil {
		s.refuse(w, http.StatusNotFound, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]bool{"stopped": true})
}
