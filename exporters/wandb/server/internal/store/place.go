package store

import (
	"fmt"
	"path/filepath"
	"slices"
)

// Place is a collection of versions.
type Place struct {
	Entity     string `json:"entity"`
	Project    string `json:"project"`
	Collection string `json:"collection"`
}

// Link is a place of a version beside the collection that it was logged to.
type Link struct {
	Place
	Type    string   `json:"type"`
	Aliases []string `json:"aliases"`
	Version int      `json:"version"`
}

// Place is the collection that the version was logged to.
func (a *Artifact) Place() Place { return Place{a.Entity, a.Project, a.Collection} }

// FindOrAdd returns a version that is the same as a, by the caller's word, or
// adds a as a new one, which is pending.
func (s *Store) FindOrAdd(a Artifact, same func(*Artifact) bool) (kept Artifact, added bool, err error) {
	for _, part := range []string{a.Entity, a.Project, a.Collection} {
		if err := CheckName(part); err != nil {
			return Artifact{}, false, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found *Artifact
	for _, other := range s.artifacts {
		if same(other) && (found == nil || other.Version > found.Version) {
			found = other
		}
	}
	if found != nil {
		return *found, false, nil
	}
	a.ID, a.State, a.Version, a.Created = NewID("Artifact"), Pending, -1, now()
	s.artifacts[a.ID] = &a
	return a, true, s.saveArtifact(&a)
}

// AddAliases moves aliases to a version in the collection it was logged to.
func (s *Store) AddAliases(id string, names []string) error {
	a, ok := s.Artifact(id)
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoArtifact, id)
	}
	return s.PlaceAliases(id, a.Place(), names)
}

// PlaceAliases moves aliases to a version in one of its collections.
func (s *Store) PlaceAliases(id string, at Place, names []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.artifacts[id]
	if a == nil {
		return fmt.Errorf("%w: %q", ErrNoArtifact, id)
	}
	own := a.aliasesAt(at)
	if own == nil {
		return fmt.Errorf("artifact %q is not in collection %q", id, at.Collection)
	}
	if err := s.takeAliases(at, a, names); err != nil {
		return err
	}
	*own = union(*own, names)
	return s.saveArtifact(a)
}

// DropAliases takes aliases from a version in one of its collections.
func (s *Store) DropAliases(id string, at Place, names []string) error {
	return s.EditArtifact(id, func(a *Artifact) error {
		own := a.aliasesAt(at)
		if own == nil {
			return fmt.Errorf("artifact %q is not in collection %q", id, at.Collection)
		}
		*own = without(*own, names)
		return nil
	})
}

// Link puts a version into a collection as its next version, once.
func (s *Store) Link(id string, at Place, aliases []string) error {
	for _, part := range []string{at.Entity, at.Project, at.Collection} {
		if err := CheckName(part); err != nil {
			return err
		}
	}
	if err := mkdir(filepath.Join(s.dir, at.Entity, at.Project)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.artifacts[id]
	if a == nil {
		return fmt.Errorf("%w: %q", ErrNoArtifact, id)
	}
	aliases = withLatest(slices.Clone(aliases))
	if err := s.takeAliases(at, a, aliases); err != nil {
		return err
	}
	if own := a.aliasesAt(at); own != nil {
		*own = union(*own, aliases)
		return s.saveArtifact(a)
	}
	next := 0
	for _, other := range s.artifacts {
		for _, l := range other.Links {
			if l.Place == at {
				next = max(next, l.Version+1)
			}
		}
	}
	a.Links = append(slices.Clone(a.Links), Link{at, a.Type, aliases, next})
	return s.saveArtifact(a)
}

// Unlink takes a version out of a collection that it was linked to.
func (s *Store) Unlink(id string, at Place) error {
	return s.EditArtifact(id, func(a *Artifact) error {
		kept := slices.DeleteFunc(slices.Clone(a.Links), func(l Link) bool { return l.Place == at })
		if len(kept) == len(a.Links) {
			return fmt.Errorf("artifact %q is not linked to %q", id, at.Collection)
		}
		a.Links = kept
		return nil
	})
}

// aliasesAt is where the aliases of one collection are kept, nil when the
// version is not in it. What it points to is replaced, never changed: copies of
// the version share it.
func (a *Artifact) aliasesAt(at Place) *[]string {
	if a.Place() == at {
		return &a.Aliases
	}
	for i := range a.Links {
		if a.Links[i].Place == at {
			a.Links = slices.Clone(a.Links)
			return &a.Links[i].Aliases
		}
	}
	return nil
}

// takeAliases takes aliases from every version of a collection but one.
func (s *Store) takeAliases(at Place, but *Artifact, names []string) error {
	for _, other := range s.artifacts {
		own := other.aliasesAt(at)
		if other == but || own == nil || other.State != Committed {
			continue
		}
		kept := without(*own, names)
		if len(kept) == len(*own) {
			continue
		}
		*own = kept
		if err := s.saveArtifact(other); err != nil {
			return err
		}
	}
	return nil
}

func union(have, names []string) []string {
	out := slices.Clone(have)
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func without(have, names []string) []string {
	return slices.DeleteFunc(slices.Clone(have), func(name string) bool { return slices.Contains(names, name) })
}

func withLatest(aliases []string) []string { return union(aliases, []string{"latest"}) }
