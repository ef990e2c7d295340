// Package store keeps runs and artifacts of a W&B server in plain files.
//
//	<dir>/<entity>/<project>/runs/<run>/run.json        what is known of it
//	                                    config.json     {"key": {"value": ...}}
//	                                    summary.json
//	                                    history.jsonl   a line a step
//	                                    events.jsonl    system metrics
//	                                    output.log      console lines
//	                                    files/...
//	<dir>/<entity>/<project>/artifacts/<id>.json        a version, with its manifest
//	<dir>/objects/<2 hex>/<30 hex>                      content of artifacts, by MD5
//
// Names of entities, projects, runs and files come from clients: nothing is
// ever written outside dir.
package store

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

// ErrName means that a name cannot be stored.
var ErrName = errors.New("name is not allowed")

// Store is everything that a server keeps. Its methods may be called from any
// goroutine.
type Store struct {
	dir string

	mu        sync.Mutex // guards what follows
	runs      map[string]*Run
	artifacts map[string]*Artifact
	sweeps    map[string]*Sweep
	agents    map[string]string // sweep storage id, by agent
}

// Open reads what is in dir, which is made if need be.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, runs: map[string]*Run{}, artifacts: map[string]*Artifact{}, sweeps: map[string]*Sweep{}, agents: map[string]string{}}
	if err := os.MkdirAll(filepath.Join(dir, "objects"), 0o700); err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*", "runs", "*", "run.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		r, err := openRun(filepath.Dir(path))
		if err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
		s.runs[runKey(r.facts.Entity, r.facts.Project, r.facts.Name)] = r
	}
	return s, errors.Join(s.openArtifacts(), s.openSweeps())
}

// Close gives the files back.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, r := range s.runs {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}

func runKey(entity, project, name string) string { return entity + "/" + project + "/" + name }

// CheckName says whether a name can be a part of a path.
func CheckName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\\\x00\n") {
		return fmt.Errorf("%w: %.100q", ErrName, name)
	}
	return nil
}

// NewID makes an opaque id, as W&B has them: base64 of a kind and a number.
func NewID(kind string) string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.StdEncoding.EncodeToString([]byte(kind + ":v1:" + base64.RawURLEncoding.EncodeToString(b[:])))
}

// Run finds a run, nil if there is none.
func (s *Store) Run(entity, project, name string) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[runKey(entity, project, name)]
}

// RunByID finds a run by its storage id.
func (s *Store) RunByID(id string) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.runs {
		if r.facts.StorageID == id { // set once
			return r
		}
	}
	return nil
}

// Runs lists the runs of a project, oldest first.
func (s *Store) Runs(entity, project string) []*Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Run
	for _, r := range s.runs {
		if r.facts.Entity == entity && r.facts.Project == project {
			out = append(out, r)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].facts.Created.Before(out[j].facts.Created) })
	return out
}

// HasProject says whether something was ever stored in it.
func (s *Store) HasProject(entity, project string) bool {
	st, err := os.Stat(filepath.Join(s.dir, entity, project))
	return CheckName(entity) == nil && CheckName(project) == nil && err == nil && st.IsDir()
}

// CreateRun makes a run unless there is one.
func (s *Store) CreateRun(entity, project, name string) (r *Run, inserted bool, err error) {
	for _, part := range []string{entity, project, name} {
		if err := CheckName(part); err != nil {
			return nil, false, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runs[runKey(entity, project, name)]; r != nil {
		return r, false, nil
	}
	r, err = openRun(filepath.Join(s.dir, entity, project, "runs", name))
	if err != nil {
		return nil, false, err
	}
	now := time.Now().UTC()
	n := 1
	for _, other := range s.runs {
		if other.facts.Entity == entity && other.facts.Project == project {
			n++
		}
	}
	r.facts = Facts{StorageID: NewID("Run"), Name: name, Entity: entity, Project: project, Created: now, Heartbeat: now,
		State: Running, DisplayName: displayName(n), Tags: []string{}}
	s.runs[runKey(entity, project, name)] = r
	return r, true, r.Change(func(*Facts) {})
}

// displayName invents a name for a run that came without one.
func displayName(n int) string {
	adjectives := [...]string{"amber", "brisk", "calm", "deft", "eager", "fair", "glad", "hardy"}
	nouns := [...]string{"brook", "cedar", "dune", "field", "grove", "harbor", "island", "meadow"}
	return fmt.Sprintf("%s-%s-%d", adjectives[n%len(adjectives)], nouns[n/len(adjectives)%len(nouns)], n)
}

// Sweep is a search for parameters.
type Sweep struct {
	ID      string `json:"id"`   // storage id
	Name    string `json:"name"` // short id
	Entity  string `json:"entity"`
	Project string `json:"project"`
	Config  string `json:"config"` // YAML, as sent
	State   string `json:"state"`
	Given   int    `json:"given"` // runs handed to agents
}

// PutSweep makes or changes a sweep.
func (s *Store) PutSweep(w Sweep) (*Sweep, error) {
	for _, part := range []string{w.Entity, w.Project, w.Name} {
		if err := CheckName(part); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := filepath.Join(s.dir, w.Entity, w.Project, "sweeps")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s.sweeps[runKey(w.Entity, w.Project, w.Name)] = &w
	return &w, writeJSON(filepath.Join(dir, w.Name+".json"), &w)
}

// Sweep returns a copy; false if there is none.
func (s *Store) Sweep(entity, project, name string) (Sweep, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.sweeps[runKey(entity, project, name)]
	if w == nil {
		return Sweep{}, false
	}
	return *w, true
}

// Sweeps lists the sweeps of a project by name.
func (s *Store) Sweeps(entity, project string) []Sweep {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Sweep
	for _, w := range s.sweeps {
		if w.Entity == entity && w.Project == project {
			out = append(out, *w)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Projects lists the projects of an entity by name.
func (s *Store) Projects(entity string) ([]string, error) {
	if err := CheckName(entity); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, entity))
	if errors.Is(err, os.ErrNotExist) || entity == "objects" {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, err
}

// AddAgent notes which sweep an agent works for.
func (s *Store) AddAgent(agent, sweepKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agents[agent] = sweepKey
}

// AgentSweep is the sweep of an agent.
func (s *Store) AgentSweep(agent string) (Sweep, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.sweeps[s.agents[agent]]
	if w == nil {
		return Sweep{}, false
	}
	return *w, true
}

func (s *Store) openSweeps() error {
	paths, err := filepath.Glob(filepath.Join(s.dir, "*", "*", "sweeps", "*.json"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		w := &Sweep{}
		if err := readJSON(path, w); err != nil {
			return err
		}
		s.sweeps[runKey(w.Entity, w.Project, w.Name)] = w
	}
	return nil
}
