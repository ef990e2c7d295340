package runlog

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// Memory and descriptors do not grow with rows; WANDB_AGENT_JOIN_ROWS makes it
// the size of a large job.
func TestJoinIsBounded(t *testing.T) {
	writers, rows := 64, 2000
	if n, err := strconv.Atoi(os.Getenv("WANDB_AGENT_JOIN_ROWS")); err == nil {
		rows = n
	}
	root := t.TempDir()
	var dirs []*Dir
	for i := range writers {
		r := newRank(t, root, i, fmt.Sprintf("rank-%d", i))
		check(t, r.w.Close())
		var err error
		r.w, err = Reopen(r.dir.LogPath(), Options{File: func(f File) File { return &bulkFile{File: f} }})
		check(t, err)
		for step := range rows {
			r.row(t, float64(step), "v", float64(step))
		}
		dirs = append(dirs, r.end(t, 0))
	}
	var most, files uint64
	stop, done := make(chan bool), make(chan bool)
	go func() { // ends with stop
		defer close(done)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
				files = max(files, uint64(len(fds)))
			}
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	began := time.Now()
	_, report, err := Join(dirs, JoinOptions{})
	took := time.Since(began)
	close(stop)
	<-done
	check(t, err)
	if report.Rows != int64((writers-1)*rows) {
		t.Errorf("got %d rows of others, want %d", report.Rows, (writers-1)*rows)
	}
	t.Logf("%d writers of %d rows: %v, heap at most %d MiB, %d descriptors", writers, rows, took, most>>20, files)
	if most > 100<<20 || files > 40 {
		t.Errorf("heap of %d MiB and %d descriptors: want less than 100 and 40", most>>20, files)
	}
}
