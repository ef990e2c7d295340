package runlog

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// besides makes a log of ours with console and hardware, and one that a client
// keeps in another wandb directory: three rows, a name, its copy of the console.
// Codes are how both ended; negative is a kill.
func besides(t testing.TB, ours, clients int, c Client) (*Dir, *Dir) {
	t.Helper()
	us := newRank(t, t.TempDir(), 0, "")
	us.say(t, 1, "words\n")
	dir, err := NewDir(DirOptions{WandbDir: t.TempDir(), RunID: "theirs", Online: c.Online})
	check(t, err)
	them := &rank{dir: dir, w: create(t, dir.LogPath())}
	them.write(t, &wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: &wandbpb.RunRecord{
		RunId: "theirs", Project: "their project", DisplayName: "their name", StartTime: &timestamppb.Timestamp{Seconds: epoch + 1}, Host: "node",
	}}})
	them.write(t, configRecord("lr", "0.1"))
	for i := range 3 {
		them.row(t, float64(i), "loss", float64(i))
	}
	them.say(t, 1, "words\n")
	check(t, us.dir.Follow(dir, c))
	return us.end(t, ours), them.end(t, clients)
}

// TestRunOfAClientIsReadWithOurs: before anybody joins the two. Seen to fail without
// the client's source in Walk (no rows) and without shows (console twice, its exit).
func TestRunOfAClientIsReadWithOurs(t *testing.T) {
	ours, _ := besides(t, 3, 0, Client{Console: true})
	run, err := Load(ours)
	check(t, err)
	if len(run.History) != 3 || run.History[2].Writer != ClientWriter || run.Config["lr"] != 0.1 {
		t.Errorf("got rows %+v, config %v", run.History, run.Config)
	}
	if run.ID != "theirs" || run.Project != "their project" || run.Name != "their name" || run.Start.Unix() != epoch {
		t.Errorf("got run %s of %s, %q, from %v", run.ID, run.Project, run.Name, run.Start)
	}
	if len(run.Console) != 1 || run.Exit == nil || run.Exit.Code != 3 {
		t.Errorf("got console %v, exit %+v", run.Console, run.Exit)
	}
}

// TestJoinTheRunOfAClient: one run with its id and names, the exit of whoever
// saw it, one copy of the console; named from either side; not shown twice
// afterwards.
func TestJoinTheRunOfAClient(t *testing.T) {
	for _, c := range []struct {
		ours, clients int
		want          Exit
	}{
		{0, 0, Exit{Known: true}},
		{137, 0, Exit{Known: true, Code: 137}},
		{0, 4, Exit{Known: true, Code: 4}},
		{0, -1, Exit{Known: true}},
		{-1, 5, Exit{Known: true, Code: 5}},
		{-1, -1, Exit{}},
	} {
		ours, theirs := besides(t, c.ours, c.clients, Client{Console: true})
		for _, d := range []*Dir{ours, theirs} {
			more, err := d.Siblings()
			check(t, err)
			if len(more) != 1 {
				t.Fatalf("%s: got siblings %v", d.Path, more)
			}
		}
		main, run, _ := joinAll(t, theirs, ours)
		if main.Path != ours.Path || run.ID != "theirs" || run.Project != "their project" || run.Name != "their name" {
			t.Errorf("joined into %s, run %s of %s, %q", main.Path, run.ID, run.Project, run.Name)
		}
		if len(run.History) != 3 || len(run.Console) != 1 {
			t.Errorf("%+v: got %d rows, console %v", c, len(run.History), run.Console)
		}
		if run.Exit.Known != c.want.Known || c.want.Known && run.Exit.Code != c.want.Code {
			t.Errorf("%+v: got exit %+v", c, run.Exit)
		}
	}
}

// TestFollowMovesWithTheWandbDirectory: both directories are named relative to it.
func TestFollowMovesWithTheWandbDirectory(t *testing.T) {
	root := t.TempDir()
	check(t, os.Mkdir(filepath.Join(root, "wandb"), 0o700))
	us := newRank(t, filepath.Join(root, "wandb"), 0, "")
	them := newRank(t, filepath.Join(root, "wandb"), 0, "")
	check(t, us.dir.Follow(them.dir, Client{}))
	us.end(t, 0)
	them.end(t, 0)
	check(t, os.Rename(filepath.Join(root, "wandb"), filepath.Join(root, "moved")))
	ours := &Dir{Path: filepath.Join(root, "moved", filepath.Base(us.dir.Path)), RunID: "many"}
	theirs := ours.ClientDir()
	if theirs == nil || theirs.Around() == nil || theirs.Around().Path != ours.Path {
		t.Errorf("got client %v", theirs)
	}
	check(t, os.WriteFile(ours.clientPath(), []byte(`{"dir":"x","run_id":"../y"}`), 0o600))
	if ours.Client() != nil || ours.Run() != "many" {
		t.Error("a file with a bad id is believed")
	}
}

func FuzzClient(f *testing.F) {
	f.Add([]byte(`{"dir":"offline-run-1-a","run_id":"a","online":true}`), []byte("run-2-b\n"))
	f.Add([]byte(`{`), []byte("\x00"))
	f.Fuzz(func(t *testing.T, client, around []byte) {
		d := &Dir{Path: t.TempDir(), RunID: "r"}
		check(t, os.WriteFile(d.clientPath(), client, 0o600))
		check(t, os.WriteFile(d.aroundPath(), around, 0o600))
		if c := d.Client(); c != nil && CheckID(c.RunID) != nil {
			t.Errorf("got id %q", c.RunID)
		}
		d.ClientDir()
		d.Around()
	})
}
