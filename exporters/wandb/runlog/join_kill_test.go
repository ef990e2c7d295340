//go:build linux

package runlog

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// joinUntilKilled joins every directory of the run "many" in root.
func joinUntilKilled(root string) error {
	dirs, err := FindSiblings(root, "many")
	if err != nil {
		return err
	}
	_, _, err = Join(dirs, JoinOptions{})
	return err
}

// A join that was killed at any moment is made again and gives what one that
// nobody disturbed gives. Protection: replace() builds the log beside the old
// one and renames it.
func TestKilledJoinIsMadeAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	root := t.TempDir()
	for i := range 3 {
		r := newRank(t, root, i, fmt.Sprintf("rank-%d", i))
		check(t, os.WriteFile(filepath.Join(r.dir.FilesDir(), "f.txt"), fmt.Append(nil, "of ", i), 0o600))
		r.write(t, filesRecord("f.txt"))
		for step := range 2000 {
			r.row(t, float64(step), "v", float64(step))
		}
		r.end(t, -1)
	}
	undisturbed := filepath.Join(t.TempDir(), "wandb")
	check(t, os.CopyFS(undisturbed, os.DirFS(root)))
	began := time.Now()
	main, _, _ := joinAll(t, siblingsIn(t, undisturbed)...)
	took := time.Since(began)
	want, err := os.ReadFile(main.LogPath())
	check(t, err)
	exe, err := os.Executable()
	check(t, err)
	for round := range 10 {
		copied := filepath.Join(t.TempDir(), "wandb")
		check(t, os.CopyFS(copied, os.DirFS(root)))
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), childDir+"="+copied, childMode+"=join")
		check(t, cmd.Start())
		time.Sleep(time.Duration(rng.Int64N(int64(2 * took))))
		cmd.Process.Kill()
		cmd.Wait()
		main, run, _ := joinAll(t, siblingsIn(t, copied)...)
		got, err := os.ReadFile(main.LogPath())
		check(t, err)
		if !bytes.Equal(got, want) || len(run.Files) != 3 {
			t.Errorf("round %d: another log of %d bytes, want %d; files %v", round, len(got), len(want), run.Files)
		}
		if _, err := os.Stat(main.file("joining")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("round %d: what the killed join left is still there: %v", round, err)
		}
	}
}
