package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/stream"
)

// Names of the states of a run.
const (
	Running    = "running"
	Finished   = "finished"
	Failed     = "failed"
	Preempting = "preempting"
	Crashed    = "crashed" // running, but silent for too long; told from the heartbeat, never stored
)

// silence is how long a running client may send nothing.
const silence = 5 * time.Minute

// Facts of a run, as run.json has them.
type Facts struct {
	StorageID   string    `json:"id"`
	Name        string    `json:"name"` // run id
	Entity      string    `json:"entity"`
	Project     string    `json:"project"`
	DisplayName string    `json:"displayName"`
	Description string    `json:"description,omitempty"`
	Notes       string    `json:"notes,omitempty"`
	Group       string    `json:"group,omitempty"`
	JobType     string    `json:"jobType,omitempty"`
	Host        string    `json:"host,omitempty"`
	Program     string    `json:"program,omitempty"`
	Repo        string    `json:"repo,omitempty"`
	Commit      string    `json:"commit,omitempty"`
	Sweep       string    `json:"sweep,omitempty"`
	Tags        []string  `json:"tags"`
	State       string    `json:"state"`
	ExitCode    *int      `json:"exitCode"`
	Stopped     bool      `json:"stopped,omitempty"`
	Created     time.Time `json:"createdAt"`
	Heartbeat   time.Time `json:"heartbeatAt"`
	Uploaded    []string  `json:"uploaded,omitempty"` // files whose transfer the client confirmed
	Alerts      []Alert   `json:"alerts,omitempty"`
	Used        []Use     `json:"usedArtifacts,omitempty"`
	Logged      []string  `json:"loggedArtifacts,omitempty"` // artifact ids
}

// Alert is one message.
type Alert struct {
	Title, Text, Severity string
	WaitDuration          int64 // as sent
}

// Use is an artifact that a run read.
type Use struct {
	Artifact string `json:"artifact"` // id
	As       string `json:"as,omitempty"`
}

// Run is a run in the store. Its methods may be called from any goroutine.
type Run struct {
	dir string

	mu      sync.Mutex // guards what follows
	facts   Facts
	config  json.RawMessage // {"key": {"value": ...}}
	summary []byte          // extended JSON; nil: none
	history *Lines
	events  *Lines
	console [][]byte
	ends    []int64          // of the lines of console in output.log
	writers map[string]int64 // lines that each writer of shared mode has sent
}

func openRun(dir string) (*Run, error) {
	r := &Run{dir: dir, config: json.RawMessage("{}"), writers: map[string]int64{}}
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o700); err != nil {
		return nil, err
	}
	for path, v := range map[string]any{"run.json": &r.facts, "writers.json": &r.writers} {
		if err := readJSON(filepath.Join(dir, path), v); err != nil {
			return nil, err
		}
	}
	for path, text := range map[string]*[]byte{"config.json": (*[]byte)(&r.config), "summary.json": &r.summary} { // extended JSON
		kept, err := os.ReadFile(filepath.Join(dir, path))
		switch {
		case err == nil:
			*text = bytes.TrimSpace(kept)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	console, err := os.ReadFile(filepath.Join(dir, "output.log"))
	if err == nil && len(console) > 0 {
		r.console = bytes.Split(bytes.TrimSuffix(console, []byte{'\n'}), []byte{'\n'})
		var at int64
		for _, line := range r.console {
			at += int64(len(line)) + 1
			r.ends = append(r.ends, at)
		}
	}
	var errs [2]error
	r.history, errs[0] = openLines(filepath.Join(dir, "history.jsonl"))
	r.events, errs[1] = openLines(filepath.Join(dir, "events.jsonl"))
	return r, errors.Join(errs[:]...)
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return replace(path, append(text, '\n'))
}

// replace writes a file in one step.
func replace(path string, text []byte) error {
	temp := path + ".tmp"
	if err := os.WriteFile(temp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// Facts returns a copy.
func (r *Run) Facts() Facts {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.facts
	f.Tags, f.Uploaded, f.Logged = append([]string{}, f.Tags...), slices.Clone(f.Uploaded), slices.Clone(f.Logged)
	f.Alerts, f.Used = slices.Clone(f.Alerts), slices.Clone(f.Used)
	if f.State == Running && time.Since(f.Heartbeat) > silence {
		f.State = Crashed
	}
	return f
}

// Change lets fn edit the facts and stores them.
func (r *Run) Change(fn func(*Facts)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn(&r.facts)
	return writeJSON(filepath.Join(r.dir, "run.json"), &r.facts)
}

// Config is JSON, {"key": {"value": ...}}.
func (r *Run) Config() json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.config
}

// SetConfig replaces the config. It may hold NaN and the infinities.
func (r *Run) SetConfig(text json.RawMessage) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.config = text
	return replace(filepath.Join(r.dir, "config.json"), text)
}

// Summary is extended JSON, nil if there is none.
func (r *Run) Summary() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.summary
}

// SetSummary replaces the summary.
func (r *Run) SetSummary(text []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.setSummary(text)
}

func (r *Run) setSummary(text []byte) error {
	r.summary = text
	return replace(filepath.Join(r.dir, "summary.json"), append(bytes.Clone(text), '\n'))
}

// Counts are the lines of history, events and console.
func (r *Run) Counts() (history, events, console int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.history.Count(), r.events.Count(), int64(len(r.console))
}

// History, Events and Console read n lines from first on.
func (r *Run) History(first, n int64) ([][]byte, error) { return r.lines(r.history, first, n) }

// Events is History for system metrics.
func (r *Run) Events(first, n int64) ([][]byte, error) { return r.lines(r.events, first, n) }

// Console returns all lines.
func (r *Run) Console() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([][]byte{}, r.console...)
}

func (r *Run) lines(l *Lines, first, n int64) ([][]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return l.Get(first, n)
}

// Rewind keeps the rows up to a step.
func (r *Run) Rewind(step int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines, err := r.history.Get(0, r.history.Count())
	if err != nil {
		return err
	}
	keep := sort.Search(len(lines), func(i int) bool { return StepOf(lines[i]) > step })
	return r.history.Truncate(int64(keep))
}

// Apply stores a request of the file stream. client is the writer of shared
// mode, "" for the only one.
func (r *Run) Apply(req *stream.Request, client string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range req.Chunks {
		if err := r.apply(&req.Chunks[i], client); err != nil {
			return fmt.Errorf("%s: %w", req.Chunks[i].File, err)
		}
	}
	before, _ := json.Marshal(r.facts)
	r.facts.Heartbeat = time.Now().UTC()
	for _, name := range req.Uploaded {
		if i := sort.SearchStrings(r.facts.Uploaded, name); i == len(r.facts.Uploaded) || r.facts.Uploaded[i] != name {
			r.facts.Uploaded = append(r.facts.Uploaded, name)
			sort.Strings(r.facts.Uploaded)
		}
	}
	switch {
	case req.Complete:
		r.finish(req.ExitCode)
	case req.Preempting:
		r.facts.State = Preempting
	case r.facts.State != Running && len(req.Chunks) == 0: // a heartbeat changes nothing
	default:
		r.facts.State, r.facts.ExitCode = Running, nil
	}
	if after, _ := json.Marshal(r.facts); string(after) == string(before) {
		return nil
	}
	return writeJSON(filepath.Join(r.dir, "run.json"), &r.facts)
}

func (r *Run) finish(code *int) {
	r.facts.ExitCode, r.facts.State = code, Failed
	if code != nil && *code == 0 {
		r.facts.State = Finished
	}
}

func (r *Run) apply(c *stream.Chunk, client string) error {
	switch c.File {
	case stream.Summary:
		return r.setSummary(c.Lines[0])
	case stream.Console:
		return r.applyConsole(c, client)
	}
	l := r.history
	if c.File == stream.Events {
		l = r.events
	}
	if client == "" {
		return l.Put(c.Offset, c.Lines)
	}
	return r.applyShared(l, c, client)
}

// applyShared gives the lines of one of several writers numbers, and rows
// steps, in the order they come.
func (r *Run) applyShared(l *Lines, c *stream.Chunk, client string) error {
	key := client + " " + c.File
	known := r.writers[key]
	if c.Offset > known {
		return fmt.Errorf("%w: offset %d of writer after %d lines", ErrGap, c.Offset, known)
	}
	lines := c.Lines[min(known-c.Offset, int64(len(c.Lines))):]
	if c.File == stream.History {
		for i, line := range lines {
			if StepOf(line) >= 0 {
				return errors.New("a row of shared mode has a _step")
			}
			lines[i] = withStep(line, l.Count()+int64(i))
		}
	}
	if err := l.Append(lines); err != nil {
		return err
	}
	r.writers[key] = known + int64(len(lines))
	return writeJSON(filepath.Join(r.dir, "writers.json"), r.writers)
}

// applyConsole may replace lines: terminals go back. In shared mode the
// numbers of several writers do not agree, so lines are added.
func (r *Run) applyConsole(c *stream.Chunk, client string) error {
	at := c.Offset
	if client != "" {
		key := client + " " + c.File
		if at > r.writers[key] {
			return fmt.Errorf("%w: offset %d of writer after %d lines", ErrGap, at, r.writers[key])
		}
		skip := r.writers[key] - at
		c.Lines = c.Lines[min(skip, int64(len(c.Lines))):]
		r.writers[key] += int64(len(c.Lines))
		at = int64(len(r.console))
	}
	if at > int64(len(r.console)) {
		return fmt.Errorf("%w: offset %d after %d lines", ErrGap, at, len(r.console))
	}
	for i, line := range c.Lines {
		line = bytes.ReplaceAll(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\n'}, []byte{' '})
		if n := at + int64(i); n < int64(len(r.console)) {
			r.console[n] = line
		} else {
			r.console = append(r.console, line)
		}
	}
	return r.writeConsole(at)
}

// writeConsole writes the lines from one on; lines before it stay as they are.
func (r *Run) writeConsole(from int64) error {
	f, err := os.OpenFile(filepath.Join(r.dir, "output.log"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	at := int64(0)
	if from > 0 {
		at = r.ends[from-1]
	}
	var text []byte
	r.ends = r.ends[:from]
	for _, line := range r.console[from:] {
		text = append(append(text, line...), '\n')
		r.ends = append(r.ends, at+int64(len(text)))
	}
	_, err = f.WriteAt(text, at)
	return errors.Join(err, f.Truncate(at+int64(len(text))), f.Close())
}

// Dir is where the run lies.
func (r *Run) Dir() string { return r.dir }

func (r *Run) close() error { return errors.Join(r.history.close(), r.events.close()) }
