package runapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// summaryStep stands in for the step in names of files of summary values.
const summaryStep = "summary"

// mediaStore keeps the media of one row, or of one summary value. Only the
// goroutine that logs uses it, until attach.
type mediaStore struct {
	run      *Run
	step     string
	key      string // last part of the key of the value that is being stored
	loggedAs string // whole key that it was logged under

	files     []string // names below the run's files, each as often as it was put
	config    []*wandbpb.ConfigItem
	artifacts []*wandbpb.ArtifactRecord
	named     bool // the log names them: they stay
}

var _ media.RunStore = (*mediaStore)(nil)

// Key is the last part of the key.
func (s *mediaStore) Key() string { return s.key }

// LoggedAs is the whole key that the program gave.
func (s *mediaStore) LoggedAs() string { return s.loggedAs }

// Put writes a file below media/, in one step.
func (s *mediaStore) Put(f media.File) (media.Object, error) {
	ext := f.Ext
	if ext == "" {
		ext = path.Ext(filepath.ToSlash(f.Path))
	}
	temp, err := s.create()
	if err != nil {
		return nil, fmt.Errorf("store media: %w", err)
	}
	hash := sha256.New()
	var size byteCount
	if err = errors.Join(f.Copy(io.MultiWriter(temp, hash, &size)), temp.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(temp.Name()))
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	name := path.Join("media", f.Dir, safeFileKey(s.key)) + "_" + s.step + "_" + sum[:20] + ext
	if !filepath.IsLocal(filepath.FromSlash(name)) || !strings.HasPrefix(name, "media/") {
		return nil, errors.Join(fmt.Errorf("store media file %q: %w", name, ErrKey), os.Remove(temp.Name()))
	}
	if err := s.place(temp.Name(), name); err != nil {
		return nil, errors.Join(fmt.Errorf("store media: %w", err), os.Remove(temp.Name()))
	}
	return media.Object{"path": name, "sha256": sum, "size": int64(size)}, nil
}

// create begins a file beside the media, on the same file system.
func (s *mediaStore) create() (*os.File, error) {
	dir := filepath.Join(s.run.dir.FilesDir(), "media")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.CreateTemp(dir, ".tmp-*") // 0600
}

// byteCount counts what is written to it.
type byteCount int64

func (n *byteCount) Write(b []byte) (int, error) {
	*n += byteCount(len(b))
	return len(b), nil
}

// place moves a finished file to its name. One that is there already is the
// same: its name holds its hash.
func (s *mediaStore) place(temp, name string) error {
	to := filepath.Join(s.run.dir.FilesDir(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	s.run.claims.claim(to)
	s.files = append(s.files, name)
	return os.Rename(temp, to)
}

// safeFileKey is the part of a file name that a key gives: slashes make
// folders, and no part leads out of them.
func safeFileKey(key string) string {
	parts := strings.Split(strings.TrimLeft(key, "/"), "/")
	for i, p := range parts {
		if p == "." || p == ".." {
			parts[i] = "_"
		}
		parts[i] = strings.ReplaceAll(strings.ToValidUTF8(parts[i], "\ufffd"), "\x00", "_")
	}
	return strings.Join(parts, "/")
}

// end takes the files of a row away that was not stored. Inside another run
// they stay: another program of that run may have written the same ones.
func (s *mediaStore) end() {
	if s == nil {
		return
	}
	remove := func(name string) { s.run.logError("media of a refused row not removed", os.Remove(name)) }
	for _, name := range s.files {
		to := filepath.Join(s.run.dir.FilesDir(), filepath.FromSlash(name))
		s.run.claims.end(to, s.named || s.run.set.inside, remove)
	}
	if s.named {
		return
	}
	for _, a := range s.artifacts {
		for _, e := range a.GetManifest().GetContents() {
			remove(e.GetLocalPath())
		}
	}
}

// claims are the media files that calls of Log are about to name in the log.
// Several calls may write the same one.
type claims struct {
	mu    sync.Mutex // guards files
	files map[string]*claimed
}

type claimed struct {
	calls int
	stay  bool // it was there before, or some row names it
}

// claim says that a file is about to be written.
func (c *claims) claim(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[name]
	if f == nil {
		_, err := os.Lstat(name)
		f = &claimed{stay: !errors.Is(err, fs.ErrNotExist)}
		if c.files == nil {
			c.files = map[string]*claimed{}
		}
		c.files[name] = f
	}
	f.calls++
}

// end says that a call is over; the last one removes what no row names.
func (c *claims) end(name string, stay bool, remove func(string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[name]
	f.stay = f.stay || stay
	if f.calls--; f.calls > 0 {
		return
	}
	delete(c.files, name)
	if !f.stay {
		remove(name)
	}
}

// Describe adds to W&B's own part of the config.
func (s *mediaStore) Describe(path []string, value any) {
	text, err := xjson.AppendValue(nil, value)
	if err != nil {
		s.run.logError("description of media not stored", err)
		return
	}
	s.config = append(s.config, &wandbpb.ConfigItem{NestedKey: append([]string{runconfig.OwnKey}, path...), ValueJson: string(text)})
}

// LogObject makes v an artifact of the run, named after it and the key.
func (s *mediaStore) LogObject(typ string, v media.Value) (media.Object, error) {
	r := s.run
	staging := filepath.Join(r.dir.Path, "staging")
	a, err := artifact.NewOwn("run-"+r.set.ID+"-"+s.key, typ, artifact.Options{Staging: staging})
	if err != nil {
		return nil, err
	}
	entry, err := a.AddObject(safeFileKey(s.key), v)
	if err != nil {
		return nil, err
	}
	rec, err := a.Record(context.Background(), artifact.RecordOptions{Entity: r.Entity(), Project: r.Project(), RunID: r.set.ID})
	if err != nil {
		return nil, err
	}
	s.artifacts = append(s.artifacts, rec)
	return media.Object{
		"artifact_path":         "wandb-client-artifact://" + a.ClientID() + "/" + entry,
		"_latest_artifact_path": "wandb-client-artifact://" + a.SequenceID() + ":latest/" + entry,
	}, nil
}
