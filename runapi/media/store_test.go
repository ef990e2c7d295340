package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/runapi/internal/mediajson"
)

// puts keeps files in memory: those of an artifact, or with run those of a run.
type puts struct {
	files map[string]string
	run   bool
}

// memory is the Store of an artifact.
type memory struct{ puts }

func newMemory() *memory { return &memory{puts{files: map[string]string{}}} }

func (m *puts) Put(f File) (Object, error) {
	var b bytes.Buffer
	if err := f.Copy(&b); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b.Bytes())
	hash := hex.EncodeToString(sum[:])
	ext := f.Ext
	if ext == "" {
		ext = filepath.Ext(f.Path)
	}
	name := "media/" + f.Dir + "/" + hash[:8] + ext
	o := Object{"path": name, "sha256": hash}
	if m.run {
		o["size"] = b.Len()
	}
	if m.files == nil {
		m.files = map[string]string{}
	}
	m.files[name] = b.String()
	return o, nil
}

func (m *memory) AddObject(name string, v Value) (where, digest string, err error) {
	o, err := v.StoreMedia(m)
	if err != nil {
		return "", "", err
	}
	text, err := mediajson.AppendSpaced(nil, o)
	name += "." + fmt.Sprint(o["_type"]) + ".json"
	m.files[name] = string(text)
	return name, "digest", err
}

// runMemory is the Store of a run.
type runMemory struct {
	puts
	config Object
	logged memory // what LogObject added
}

func (m *runMemory) Key() string      { return "key" }
func (m *runMemory) LoggedAs() string { return "whole.key" }

func (m *runMemory) Describe(path []string, value any) {
	if m.config == nil {
		m.config = Object{}
	}
	m.config[strings.Join(path, "|")] = value
}

func (m *runMemory) LogObject(typ string, v Value) (Object, error) {
	if m.logged.files == nil {
		m.logged.files = map[string]string{}
	}
	where, _, err := m.logged.AddObject(typ, v)
	return Object{"artifact_path": where}, err
}

// compact is the JSON of an object.
func compact(t *testing.T, o any) string {
	t.Helper()
	text, err := mediajson.Append(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inArtifact is the object that stands for a value in an artifact.
func inArtifact(t *testing.T, v Value) (string, *memory) {
	t.Helper()
	m := newMemory()
	where, _, err := m.AddObject("x", v)
	if err != nil {
		t.Fatal(err)
	}
	return m.files[where], m
}

// inRun is the object that stands for a value in a row.
func inRun(t *testing.T, v Value) (string, *runMemory) {
	t.Helper()
	m := &runMemory{puts: puts{run: true}}
	o, err := v.StoreMedia(m)
	if err != nil {
		t.Fatal(err)
	}
	return compact(t, o), m
}

// writeFile makes a file for values that are files.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refused wants an error with certain words.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
