//go:build unix

package runapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// TestKilledProgramHasItsMedia kills a program at random moments: each value that
// was acknowledged has its whole file, and the log tells of it. Seen to fail when
// another goroutine does the rename of place.
func TestKilledProgramHasItsMedia(t *testing.T) {
	total := 0
	for range killRounds(t) {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), mediaKillDir+"="+dir)
		last := killedAfter(t, cmd, time.Duration(rand.Int64N(int64(40*time.Millisecond))))
		checkMediaOfCrash(t, filepath.Join(dir, "wandb"), last)
		total += last + 1
	}
	t.Logf("%d acknowledged values have their files", total)
}

func checkMediaOfCrash(t *testing.T, path string, last int) {
	t.Helper()
	dir, err := runlog.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runlog.Repair(dir); err != nil {
		t.Fatal(err)
	}
	run, err := runlog.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, name := range logged(t, dir.Path, func(rec *wandbpb.Record) string {
		if f := rec.GetFiles().GetFiles(); len(f) > 0 {
			return f[0].Path
		}
		return ""
	}) {
		told[name] = true
	}
	seen := map[string]bool{}
	for _, h := range run.History {
		for key, v := range h.Values {
			o, _ := v.(map[string]any)
			name := fmt.Sprint(o["path"])
			text, err := os.ReadFile(filepath.Join(dir.FilesDir(), name))
			if sum := sha256.Sum256(text); err != nil || hex.EncodeToString(sum[:]) != o["sha256"] || !told[name] {
				t.Errorf("%s: %d bytes in %s, %v, told %v", key, len(text), name, err, told[name])
			}
			seen[key] = true
		}
	}
	for i := 0; i <= last; i++ {
		if !seen["k"+strconv.Itoa(i)] {
			t.Errorf("acknowledged value %d of %d is gone", i, last)
		}
	}
}
