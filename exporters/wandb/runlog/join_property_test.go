package runlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// someRun makes the logs of several writers at random: rows, console and
// metrics in any order, some with parts and open steps, some killed in the
// middle of a record. It returns every value that was acknowledged.
func someRun(t *testing.T, rng *rand.Rand, root string) map[float64]int {
	t.Helper()
	acked := map[float64]int{}
	var ranks []*rank
	for i := range 2 + rng.IntN(4) {
		ranks = append(ranks, newRank(t, root, i, fmt.Sprintf("rank-%d", i)))
	}
	second, id := 0.0, 0.0
	for range 20 + rng.IntN(200) {
		n := rng.IntN(len(ranks))
		r := ranks[n]
		second += float64(rng.IntN(3)) / 4 // ties are common
		switch rng.IntN(5) {
		case 0:
			r.say(t, second, [...]string{"word ", "line\n", "\rbar", "\x1b[2K\n"}[rng.IntN(4)])
		case 1:
			check(t, r.w.Stats(int64((epoch+second)*1e9), []StatItem{{NewStatKey("cpu"), id}}))
		default:
			id++
			r.row(t, second, fmt.Sprintf("v%d", rng.IntN(3)), id)
			acked[id] = n
		}
	}
	for n, r := range ranks {
		if rng.IntN(3) == 0 {
			id++
			open, err := CreateOpenSteps(r.dir.OpenStepsPath(), patient)
			check(t, err)
			check(t, open.Append(&Row{Step: r.step, Timestamp: epoch + second, Items: []Item{{Key: NewKey("open"), F: id}}}))
			check(t, open.Close())
			acked[id] = n
		}
		if rng.IntN(3) == 0 {
			part := create(t, r.dir.PartPath("worker"))
			id++
			check(t, part.Row(&Row{Step: r.step + 1, Timestamp: epoch + second, Items: []Item{{Key: NewKey("part"), F: id}}}))
			check(t, part.Close())
			acked[id] = n
		}
		r.end(t, rng.IntN(4)-1)
		if rng.IntN(3) == 0 { // killed while it wrote
			f, err := os.OpenFile(r.dir.LogPath(), os.O_APPEND|os.O_WRONLY, 0)
			check(t, err)
			_, err = f.Write([]byte{1, 2, 3, 4, 200, 0, chunkFull, 9, 9})
			check(t, err)
			check(t, f.Close())
		}
	}
	return acked
}

func siblingsIn(t *testing.T, root string) []*Dir {
	t.Helper()
	dirs, err := FindSiblings(root, "many")
	check(t, err)
	return dirs
}

// wantRows checks that every acknowledged value is in the run once, that steps are
// numbers of rows, and that the rows of each writer are in their order.
func wantRows(t *testing.T, run *Run, acked map[float64]int) {
	t.Helper()
	seen, last := map[float64]bool{}, map[any]float64{}
	for i, row := range run.History {
		label, labelled := row.Values[writerKey]
		if labelled && row.Step != int64(i) {
			t.Fatalf("row %d has step %d", i, row.Step)
		}
		for key, v := range row.Values {
			if key == writerKey || key == writerStepKey {
				continue
			}
			id := asFloat(v)
			n, ok := acked[id]
			if !ok || seen[id] || labelled && label != "worker" && label != fmt.Sprintf("rank-%d", n) || id < last[label] {
				t.Fatalf("row %d of %v: value %v was acknowledged %v by rank-%d, seen %v, last %v", i, label, id, ok, n, seen[id], last[label])
			}
			seen[id] = true
			if key != "open" && key != "part" {
				last[label] = id
			}
		}
	}
	if len(seen) != len(acked) {
		t.Fatalf("got %d values, want the %d that were acknowledged", len(seen), len(acked))
	}
}

// The joined log does not depend on the order in which directories are given,
// and has every acknowledged row once, also when some come late.
func TestJoinOfAnyOrderIsTheSame(t *testing.T) {
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 1))
		root := t.TempDir()
		acked := someRun(t, rng, root)
		var want []byte
		for try := range 3 {
			copied := filepath.Join(t.TempDir(), "wandb")
			check(t, os.CopyFS(copied, os.DirFS(root)))
			dirs := siblingsIn(t, copied)
			rng.Shuffle(len(dirs), func(i, j int) { dirs[i], dirs[j] = dirs[j], dirs[i] })
			main, run, _ := joinAll(t, dirs...)
			wantRows(t, run, acked)
			got, err := os.ReadFile(main.LogPath())
			check(t, err)
			if try == 0 {
				want = got
			} else if !bytes.Equal(got, want) {
				t.Fatalf("seed %d: the log depends on the order of directories", seed)
			}
		}
		dirs := siblingsIn(t, root)
		rng.Shuffle(len(dirs), func(i, j int) { dirs[i], dirs[j] = dirs[j], dirs[i] })
		main, _, _ := joinAll(t, dirs[:2]...)
		if rng.IntN(2) == 0 {
			check(t, os.WriteFile(main.file("upload"), []byte("{}"), 0o600))
		}
		_, run, _ := joinAll(t, slices.Concat(dirs[2:], []*Dir{main})...)
		wantRows(t, run, acked)
	}
}
