package runlog

import (
	"errors"
	"os"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// finishedDir makes a run with two rows that exited with 3.
func finishedDir(t *testing.T) *Dir {
	d := newDir(t)
	w := create(t, d.LogPath())
	check(t, w.Write(runRecord()))
	for i := range int64(2) {
		check(t, w.Row(floatRow(i, "x", float64(i))))
	}
	check(t, w.Write(exitRecord(&wandbpb.RunExitRecord{ExitCode: 3})))
	check(t, w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Final{Final: &wandbpb.FinalRecord{}}}))
	check(t, w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Footer{Footer: &wandbpb.FooterRecord{}}}))
	check(t, w.Close())
	return d
}

// better sets y to what the summary says of x, plus the given text.
func better(text string) func(*State) ([]*wandbpb.Record, error) {
	return func(s *State) ([]*wandbpb.Record, error) {
		if s.Summary()["x"] != int64(1) {
			return nil, errors.New("the state lacks the rows")
		}
		return []*wandbpb.Record{setSummary([]string{"y"}, text)}, nil
	}
}

func TestEditAddsBeforeTheEnd(t *testing.T) {
	d := finishedDir(t)
	state, err := Edit(d, better("7"))
	check(t, err)
	if state.Summary()["y"] != int64(7) {
		t.Errorf("state: got %v, want y 7", state.Summary())
	}
	_, err = Edit(d, better("8"))
	check(t, err)
	text, err := os.ReadFile(d.LogPath())
	check(t, err)
	recs, _, _ := readAll(t, text)
	seen, last := 0, int64(0)
	for _, rec := range recs {
		if rec.GetNum() <= last {
			t.Errorf("record %d follows %d", rec.GetNum(), last)
		}
		last = rec.GetNum()
		if rec.GetExit() != nil {
			seen++
		} else if rec.GetSummary() != nil && seen > 0 {
			t.Error("a summary stands behind the exit")
		}
	}
	run, err := Load(d)
	check(t, err)
	if run.Summary["y"] != int64(8) || seen != 1 || run.Exit == nil || run.Exit.Code != 3 || len(run.History) != 2 || run.Damage.Any() {
		t.Errorf("got %+v, %d exit records", run, seen)
	}
	if report, err := Repair(d); err != nil || report.Changed {
		t.Errorf("repair after an edit: got %+v, %v, want nothing to do", report, err)
	}
}

func TestEditThatIsRefusedChangesNothing(t *testing.T) {
	d := finishedDir(t)
	before, err := os.ReadFile(d.LogPath())
	check(t, err)
	no := errors.New("no")
	if _, err := Edit(d, func(*State) ([]*wandbpb.Record, error) { return nil, no }); !errors.Is(err, no) {
		t.Errorf("got %v, want the error of change", err)
	}
	if after, _ := os.ReadFile(d.LogPath()); string(after) != string(before) {
		t.Error("the log was changed")
	}
	w, err := Reopen(d.LogPath(), patient)
	check(t, err)
	defer w.Close()
	if _, err := Edit(d, better("7")); !errors.Is(err, ErrLocked) {
		t.Errorf("while a writer lives: got %v, want ErrLocked", err)
	}
}

// TestEditThatIsCutOff: at every byte behind the place where the end stood, the
// run keeps its rows and how it ended. Seen to fail without the part that
// saveExit leaves.
func TestEditThatIsCutOff(t *testing.T) {
	d := finishedDir(t)
	before, err := os.ReadFile(d.LogPath())
	check(t, err)
	_, err = Edit(d, better("7"))
	check(t, err)
	after, err := os.ReadFile(d.LogPath())
	check(t, err)
	_, ends, _ := readAll(t, before)
	exitAt := int(ends[len(ends)-4])
	for cut := exitAt; cut <= len(after); cut++ {
		c := newDir(t)
		r := repair{dir: c, exit: &wandbpb.RunExitRecord{ExitCode: 3}}
		check(t, r.saveExit())
		check(t, os.WriteFile(c.LogPath(), after[:cut], 0o600))
		if _, err := Repair(c); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		run, err := Load(c)
		check(t, err)
		if y := run.Summary["y"]; len(run.History) != 2 || run.Exit == nil || run.Exit.Code != 3 || !run.Exit.Known || y != nil && y != int64(7) {
			t.Fatalf("cut at %d: got %+v", cut, run)
		}
	}
}
