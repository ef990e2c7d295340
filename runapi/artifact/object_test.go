package artifact

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// thing is a value with a file, an existing one, and another value in it.
type thing struct {
	path string
	err  error
}

func (v thing) StoreMedia(dst media.Store) (media.Object, error) {
	object, err := dst.Put(media.File{Dir: "things", Ext: ".txt", Write: func(w io.Writer) error {
		_, err := io.WriteString(w, "made")
		return errors.Join(err, v.err)
	}})
	if err != nil {
		return nil, err
	}
	object["_type"] = "thing"
	if v.path == "" {
		return object, nil
	}
	existing, err := dst.Put(media.File{Dir: "things", Path: v.path})
	if err != nil {
		return nil, err
	}
	where, digest, err := dst.(media.ArtifactStore).AddObject("media/inner", thing{})
	object["existing"], object["inner"], object["digest"] = existing["path"], where, digest
	return object, err
}

func TestAddObject(t *testing.T) {
	a, dir := build(t, Options{Staging: filepath.Join(t.TempDir(), "s")}, map[string]string{"f.bin": "found"})
	name, err := a.AddObject("dir/name", thing{path: dir + "/f.bin"})
	if name != "dir/name.thing.json" || err != nil {
		t.Fatalf("got %q, %v", name, err)
	}
	const made = `media/things/ea0890697a77af0a2e05`
	want := `dir/name.thing.json={"_type": "thing", "digest": "Ts5SmH3mTGKxh97JyuvO1g==", "existing": "media/things/bcc649cfdb8cc557053d/f.bin", "inner": "media/inner.thing.json", ` +
		`"path": "` + made + `.txt", "sha256": "ea0890697a77af0a2e054cccec587c8a42feb5cf38e778c6c6e2a96bfb945c0b"} ` +
		`media/inner.thing.json={"_type": "thing", "path": "` + made + `.txt", "sha256": "ea0890697a77af0a2e054cccec587c8a42feb5cf38e778c6c6e2a96bfb945c0b"} media/things/bcc649cfdb8cc557053d/f.bin=found ` + made + `.txt=made `
	if got := list(t, a); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again, err := a.AddObject("dir/name.thing.json", thing{path: dir + "/f.bin"}); again != name || err != nil {
		t.Errorf("a second time: %q, %v", again, err)
	}
}

func TestAddObjectRefuses(t *testing.T) {
	staging := filepath.Join(t.TempDir(), "s")
	a, dir := build(t, Options{Staging: staging}, map[string]string{"f": "1"})
	full := errors.New("disk is full")
	f := func(name string, v media.Value, want string) {
		t.Helper()
		if _, err := a.AddObject(name, v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	f("x", nil, "there is no value")
	f("x", (*thing)(nil), "there is no value")
	f("x", thing{err: full}, "disk is full")
	f("x", thing{path: dir + "/none"}, "no such file")
	f("x", thing{path: dir}, "no regular file")
	f("../x", thing{}, "does not stay in its folder")
	if left, err := os.ReadDir(staging); len(left) != 1 || err != nil { // media/things of the last ones
		t.Errorf("%d staged files, %v, want 1", len(left), err)
	}
}

// TestOwnNames: as the official client makes them.
func TestOwnNames(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		a, err := NewOwn(name, "run_table", Options{})
		if err != nil || a.Name() != want || a.Type() != "run_table" {
			t.Errorf("%s: got %v, %v, want %s", name, a, err, want)
		}
	}
	f("run-abc-table", "run-abc-table")
	f("run-abc-val/my table", "run-abc-valmytable-Ph4hBg")
	if _, err := New("run-abc-table", "run_table", Options{}); err == nil {
		t.Error("New made an artifact of W&B's own")
	}
}
