package upload

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// positionVersion is that of the file; a file of another version is not read.
const positionVersion = 1

// position is what the server has of a run, and what is on its way to it. It
// lies in run-<id>.upload beside the log.
type position struct {
	Version int    `json:"version"`
	Server  string `json:"server"` // base URL
	Entity  string `json:"entity"`
	Project string `json:"project"`
	Run     string `json:"run"`
	Writer  string `json:"writer"` // our name in the run's metadata

	StorageID    string  `json:"storage_id,omitempty"`
	Name         string  `json:"name,omitempty"` // display name
	Sweep        string  `json:"sweep,omitempty"`
	Resumed      bool    `json:"resumed,omitempty"`
	StartingStep int64   `json:"starting_step"`
	Shift        int64   `json:"shift,omitempty"`   // added to the steps of the log
	Earlier      float64 `json:"earlier,omitempty"` // seconds of earlier sessions, added to _runtime

	Cut int64 `json:"cut,omitempty"` // lines of console text that the log lacked when the upload began, see runlog.CutLines

	Inherited inherited `json:"inherited,omitzero"`

	Mark
	Intent  []span  `json:"intent,omitempty"` // what the request in flight holds, in order
	Refused Dropped `json:"refused"`          // lines that the server did not take

	Files     map[string]string `json:"files,omitempty"`     // path below files/ to the MD5 that the server has
	Alerts    []string          `json:"alerts,omitempty"`    // origins of the alerts that were delivered
	Artifacts []string          `json:"artifacts,omitempty"` // origins of the artifact records that were done
	Creating  bool              `json:"creating,omitempty"`  // the server may have made the run, nothing else is known
	Complete  bool              `json:"complete,omitempty"`  // the server knows that the run is over
	Size      int64             `json:"size,omitempty"`      // of the log then, in bytes
	Exit      bool              `json:"exit,omitempty"`      // an exit record was seen by then
}

// Mark is a place in the logs of a run: everything up to it was acknowledged.
type Mark struct {
	Sources  map[string]int64  `json:"sources"`          // per log the number of its last record; "" is the run's own
	History  int64             `json:"history"`          // number of the next line at the server
	Events   int64             `json:"events"`           // likewise
	Console  int64             `json:"console"`          // number of the first line of this log at the server
	LastStep int64             `json:"last_step"`        // of the last row
	Moved    int64             `json:"moved"`            // rows whose step was changed
	Dropped  Dropped           `json:"dropped"`          // lines that will never be sent
	Skip     Skip              `json:"skip,omitzero"`    // lines to come that the server has already
	Screens  []string          `json:"screens"`          // logs that had console text
	Writers  []string          `json:"writers"`          // logs that had rows
	Live     []string          `json:"live"`             // parts whose rows were read before they were folded in
	Labels   map[string]string `json:"labels,omitempty"` // per part, what its writer calls itself
}

// Dropped counts what cannot be sent.
type Dropped struct {
	Rows    int64 `json:"rows"`    // too long, damaged or refused by the server
	Samples int64 `json:"samples"` // of system metrics, likewise
}

// Skip counts lines that an earlier upload has sent without leaving a position.
type Skip struct {
	History int64 `json:"history"`
	Events  int64 `json:"events"`
}

// span is the records of one log after what came before, up to number To.
type span struct {
	Source string `json:"source"`
	To     int64  `json:"to"`
}

// lost is what will never be sent.
func (p *position) lost() Dropped {
	return Dropped{p.Dropped.Rows + p.Refused.Rows, p.Dropped.Samples + p.Refused.Samples}
}

func (m *Mark) clone() Mark {
	c := *m
	c.Sources = make(map[string]int64, len(m.Sources))
	for name, num := range m.Sources {
		c.Sources[name] = num
	}
	c.Screens, c.Live, c.Writers = slices.Clone(m.Screens), slices.Clone(m.Live), slices.Clone(m.Writers)
	c.Labels = maps.Clone(m.Labels)
	return c
}

// PositionPath is the file in which an upload keeps its place.
func PositionPath(dir *runlog.Dir) string {
	return filepath.Join(dir.Path, "run-"+dir.RunID+".upload")
}

// errPosition means that a position file cannot be used.
var errPosition = errors.New("not a position of this version")

// readPosition reads the file; nil if there is none.
func readPosition(path string) (*position, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read upload position: %w", err)
	}
	p, err := parsePosition(text)
	if err != nil {
		return nil, fmt.Errorf("read upload position %s: %w", path, err)
	}
	return p, nil
}

func parsePosition(text []byte) (*position, error) {
	p := new(position)
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("%w: %w", errPosition, err)
	}
	if p.Version != positionVersion {
		return nil, fmt.Errorf("%w: version %d", errPosition, p.Version)
	}
	if p.History < 0 || p.Events < 0 || p.Console < 0 || p.LastStep < -1 || p.Skip.History < 0 || p.Skip.Events < 0 {
		return nil, fmt.Errorf("%w: a negative number", errPosition)
	}
	for name, num := range p.Sources {
		if num < 0 {
			return nil, fmt.Errorf("%w: log %q at record %d", errPosition, name, num)
		}
	}
	if p.Sources == nil {
		p.Sources = map[string]int64{}
	}
	return p, nil
}

// save replaces the file in one step. It is on stable storage when save
// returns nil.
func (p *position) save(path string) error {
	text, err := json.Marshal(p)
	if err == nil {
		err = writeAtomic(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("save upload position: %w", err)
	}
	return nil
}

// writeAtomic replaces the file at path.
func writeAtomic(path string, text []byte) error {
	temp := path + ".tmp"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(temp)
		return err
	}
	return os.Rename(temp, path)
}
