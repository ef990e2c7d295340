package runfiles

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func TestPoliciesAreThoseOfTheLog(t *testing.T) {
	if Now != Policy(wandbpb.FilesItem_NOW) || End != Policy(wandbpb.FilesItem_END) || Live != Policy(wandbpb.FilesItem_LIVE) {
		t.Errorf("now, end, live are %d, %d, %d", Now, End, Live)
	}
}

func TestPolicies(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{Delay: time.Millisecond, Poll: 2 * time.Millisecond})
	finish := run(t, u)
	write(t, dir, "media/now.txt", "now 1")
	write(t, dir, "end.txt", "end 1")
	write(t, dir, "live.txt", "live 1")
	_ = u.Add("media/now.txt", Now)
	_ = u.Add("end.txt", End)
	_ = u.Add("live.txt", Live)
	eventually(t, "now and live are there", func() bool {
		now, _ := s.has("media/now.txt")
		live, _ := s.has("live.txt")
		return now == "now 1" && live == "live 1" && u.Counts().Pending() == 1
	})
	write(t, dir, "media/now.txt", "now 2")
	write(t, dir, "end.txt", "end 2")
	write(t, dir, "live.txt", "live 2, longer")
	eventually(t, "live was sent again", func() bool { live, _ := s.has("live.txt"); return live == "live 2, longer" })
	write(t, dir, "end.txt", "end 3")
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"media/now.txt": "now 1", "end.txt": "end 3", "live.txt": "live 2, longer"} {
		if got, _ := s.has(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, puts := s.has("end.txt"); puts != 1 {
		t.Errorf("end.txt was sent %d times, want once", puts)
	}
	if c := u.Counts(); c.Pending() != 0 || c.Dropped != 0 {
		t.Errorf("counts are %+v, want all sent", c)
	}
	if err := u.Add("end.txt", Now); !errors.Is(err, ErrFinished) {
		t.Errorf("Add after Finish: %v", err)
	}
}

// TestLiveFilesGoOnceMore: a change that leaves size and time as they were is
// seen at the end.
func TestLiveFilesGoOnceMore(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{Delay: time.Millisecond, Poll: time.Hour})
	finish := run(t, u)
	write(t, dir, "live.txt", "1")
	at := time.Now().Add(-time.Hour)
	_ = os.Chtimes(filepath.Join(dir, "live.txt"), at, at)
	_ = u.Add("live.txt", Live)
	eventually(t, "live is there", func() bool { return u.Counts().Sent == 1 })
	write(t, dir, "live.txt", "2")
	_ = os.Chtimes(filepath.Join(dir, "live.txt"), at, at)
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.has("live.txt"); got != "2" {
		t.Errorf("live.txt is %q, want its last state", got)
	}
}

func TestFinishAloneSendsAll(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{Ignore: []string{"*.tmp", "media/*", "[bad"}})
	for _, name := range []string{"empty", "a/b/c.txt", "x.tmp", "media/x", "media/deep/x", "größe %.txt"} {
		write(t, dir, name, strings.TrimPrefix(name, "empty"))
		if err := u.Add(name, Now); err != nil {
			t.Error(err)
		}
	}
	other := filepath.Join(t.TempDir(), "made")
	write(t, filepath.Dir(other), "made", "made elsewhere")
	if err := u.AddAs("config.yaml", other, End); err != nil {
		t.Error(err)
	}
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 5, Sent: 5})
	if len(s.files) != 5 || string(s.files["config.yaml"]) != "made elsewhere" || string(s.files["a/b/c.txt"]) != "a/b/c.txt" || s.puts["empty"] != 1 {
		t.Errorf("stored are %q", s.files)
	}
	if len(s.asked) != 1 {
		t.Errorf("asked for %q, want one request", s.asked)
	}
}

func TestSameBytesAreNotSentAgain(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{Delay: time.Millisecond, Done: map[string]string{"known": fmt.Sprintf("%x", md5.Sum([]byte("known")))}})
	finish := run(t, u)
	write(t, dir, "known", "known")
	write(t, dir, "new", "new")
	_ = u.Add("known", Now)
	_ = u.Add("new", Now)
	eventually(t, "both are there", func() bool { return u.Counts().Sent == 2 })
	now := time.Now().Add(time.Hour)
	_ = os.Chtimes(filepath.Join(dir, "new"), now, now)
	_ = u.Add("new", Now)
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 3, Sent: 3, Unchanged: 2})
	if s.puts["known"] != 0 || s.puts["new"] != 1 || s.told["known"] != 0 || s.told["new"] != 1 {
		t.Errorf("puts are %v, told %v, want new once", s.puts, s.told)
	}
}

func TestOnlyTheNewestWaits(t *testing.T) {
	s := newStore(t)
	hold := make(chan struct{})
	s.put = func(_ http.ResponseWriter, _ string, try int, _ []byte) bool {
		if try == 1 {
			<-hold
		}
		return false
	}
	u, dir := s.uploader(Options{Delay: time.Millisecond})
	finish := run(t, u)
	write(t, dir, "f", "0")
	_ = u.Add("f", Now)
	eventually(t, "the first is on its way", func() bool { _, puts := s.has("f"); return puts == 1 })
	for i := range 5 {
		write(t, dir, "f", strings.Repeat("x", i+1))
		_ = u.Add("f", Now)
	}
	counted(t, u, Counts{Offered: 2})
	close(hold)
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	if got, puts := s.has("f"); got != "xxxxx" || puts > 3 {
		t.Errorf("f is %q after %d puts, want the newest after 2 or 3", got, puts)
	}
	if c := u.Counts(); c.Offered != 2 || c.Sent != 2 {
		t.Errorf("counts are %+v, want 2 sent", c)
	}
}

func TestParallelIsABound(t *testing.T) {
	s := newStore(t)
	var now, most atomic.Int32
	s.put = func(http.ResponseWriter, string, int, []byte) bool {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Millisecond)
		now.Add(-1)
		return false
	}
	u, dir := s.uploader(Options{Parallel: 3})
	for i := range 1200 {
		name := fmt.Sprintf("f%d", i)
		write(t, dir, name, name)
		_ = u.Add(name, End)
	}
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 1200, Sent: 1200})
	if m := most.Load(); m > 3 || len(s.asked) != 2 {
		t.Errorf("%d at once in %d requests, want at most 3 in 2", m, len(s.asked))
	}
}

func TestFinishEndsWithItsContext(t *testing.T) {
	s := newStore(t)
	hold := make(chan struct{})
	release := time.AfterFunc(20*time.Second, func() { close(hold) })
	defer func() {
		if release.Stop() {
			close(hold)
		}
	}()
	s.put = func(w http.ResponseWriter, name string, _ int, _ []byte) bool {
		if name == "slow" {
			<-hold
		}
		return false
	}
	u, dir := s.uploader(Options{Delay: time.Millisecond})
	go func() { _ = u.Run(context.Background()) }()
	write(t, dir, "slow", "s")
	write(t, dir, "quick", "q")
	_ = u.Add("slow", Now)
	_ = u.Add("quick", Now)
	eventually(t, "quick is there", func() bool { return u.Counts().Sent == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := u.Finish(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Finish: %v, want its deadline", err)
	}
	counted(t, u, Counts{Offered: 2, Sent: 1})
	if s.told["quick"] != 1 || s.told["slow"] != 0 {
		t.Errorf("told are %v, want quick alone", s.told)
	}
}
