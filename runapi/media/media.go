package media

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Value is something that a run or an artifact holds and that is more than
// JSON.
type Value interface {
	// StoreMedia puts the files of the value into dst and returns the object
	// that stands for it; "_type" in it names the kind. It is called by whoever
	// logs the value, from any goroutine, once for each time that it is logged,
	// and holds up nobody else: encoding may take its time. dst must not be kept.
	// After an error nothing of the row is stored.
	StoreMedia(dst Store) (Object, error)
}

// Object is a JSON object: maps, slices, text, numbers, bool, nil. Whoever
// returns one gives it away.
type Object = map[string]any

// Store takes the files of a value. Only the goroutine that it was given to
// uses it.
type Store interface {
	// Put keeps a file. It returns the members by which an object names it:
	// "path", "sha256", and in a run "size". The caller may add to the object,
	// which is new for each call.
	Put(f File) (Object, error)
}

// RunStore is the Store of a value that is logged by a run.
type RunStore interface {
	Store

	// Key is the last part of the key under which the value is stored.
	Key() string

	// LoggedAs is the whole key under which the value was logged, parts joined by
	// dots.
	LoggedAs() string

	// Describe puts what does not change from row to row into W&B's own part of
	// the run's config, such as the names of classes.
	Describe(path []string, value any)

	// LogObject logs v as an artifact of the run as well, of a type that W&B
	// keeps for that purpose. It returns the members by which an object names
	// it: "artifact_path", "_latest_artifact_path".
	LogObject(typ string, v Value) (Object, error)
}

// ArtifactStore is the Store of a value that is added to an artifact.
type ArtifactStore interface {
	Store

	// AddObject adds another value, and returns the path and the digest of its
	// entry.
	AddObject(name string, v Value) (path, digest string, err error)
}

// File is a file to be kept.
type File struct {
	Dir string // its kind: the folder below media/, with slashes
	Ext string // its extension with the dot, such as .table.json; "": that of Path

	// One of the two is set.
	Path  string                  // a regular file to copy
	Write func(w io.Writer) error // writes the content to w; called once
}

// Copy writes the content of the file to w.
func (f File) Copy(w io.Writer) error {
	if f.Write != nil {
		return f.Write(w)
	}
	in, err := os.OpenFile(f.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO must not hold the caller up
	if err != nil {
		return err
	}
	defer in.Close()
	if st, err := in.Stat(); err != nil || !st.Mode().IsRegular() {
		return errors.Join(fmt.Errorf("%s is no regular file", f.Path), err)
	}
	_, err = io.Copy(w, in)
	return err
}

// Lister is a Value that knows how several of its type are stored under one
// key. A list of others is a JSON list of objects.
type Lister interface {
	Value

	// StoreMediaList stores list, which begins with the receiver and holds
	// values of its type only, in place of StoreMedia.
	StoreMediaList(dst RunStore, list []Value) (Object, error)
}

// Renamer is a Value that is stored under another key than it was logged
// under. MediaKey gets the whole key, parts joined by dots, and returns one part.
type Renamer interface {
	Value
	MediaKey(key string) string
}
