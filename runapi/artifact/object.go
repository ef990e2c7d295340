package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/internal/mediajson"
	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// AddObject adds a table, an image or another value of package media, as the
// official client does: an entry <name>.<type>.json (name.table.json), and the
// files of the value below media/. It returns the path of the entry. After an
// error some of the files may have been added.
func (a *Artifact) AddObject(name string, v media.Value) (string, error) {
	e, err := a.addObject(name, v)
	if err != nil {
		return "", fmt.Errorf("add object %s to artifact %s: %w", name, a.name, err)
	}
	return e.Path, nil
}

func (a *Artifact) addObject(name string, v media.Value) (*artifact.Entry, error) {
	if p := reflect.ValueOf(v); v == nil || p.Kind() == reflect.Pointer && p.IsNil() {
		return nil, errors.New("there is no value")
	}
	object, err := v.StoreMedia(objectStore{a})
	if err != nil {
		return nil, err
	}
	typ, _ := object["_type"].(string)
	if typ == "" {
		return nil, fmt.Errorf("value of type %T has no _type", v)
	}
	if suffix := typ + ".json"; !strings.HasSuffix(name, suffix) {
		name += "." + suffix
	}
	text, err := mediajson.AppendSpaced(nil, object)
	if err != nil {
		return nil, err
	}
	f, err := a.NewFile(FileOptions{Name: name})
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(text); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return &artifact.Entry{Path: f.o.Name, Digest: artifact.FormatSum(f.hash.Sum(nil))}, nil
}

// objectStore puts files of values into an artifact.
type objectStore struct{ a *Artifact }

var _ media.ArtifactStore = objectStore{}

// Put adds a file; its name holds a hash of its content.
func (s objectStore) Put(f media.File) (media.Object, error) {
	out, err := s.a.NewFile(FileOptions{Name: "media/file"})
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	if err := f.Copy(io.MultiWriter(out, hash)); err != nil {
		out.err = errors.Join(out.err, err)
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	out.o.Name = path.Join("media", f.Dir, sum[:20])
	if f.Path != "" {
		out.o.Name = path.Join(out.o.Name, filepath.Base(f.Path))
	} else {
		out.o.Name += f.Ext
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return media.Object{"path": out.o.Name, "sha256": sum}, nil
}

// AddObject adds a value that another one refers to.
func (s objectStore) AddObject(name string, v media.Value) (where, digest string, err error) {
	e, err := s.a.addObject(name, v)
	if err != nil {
		return "", "", err
	}
	return e.Path, e.Digest, nil
}
