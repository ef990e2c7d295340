package upload

import (
	"slices"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func runRecord(r *wandbpb.RunRecord) *wandbpb.Record {
	return &wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: r}}
}

// TestNamesChange: what a later run record says reaches the server, emptied
// notes and tags too. Seen to fail without feed.cleared (notes and tags stay).
func TestNamesChange(t *testing.T) {
	p := newProof(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p", DisplayName: "first", Tags: []string{"x"}, Notes: "n"})
	l.rows(0, 3)
	l.write(runRecord(&wandbpb.RunRecord{RunId: "r", Project: "p", DisplayName: "second"}),
		runRecord(&wandbpb.RunRecord{RunId: "r", Project: "p", Cleared: []string{"notes", "tags"}}))
	l.exit(0)
	if _, err := p.send(l.dir, Options{}); err != nil {
		t.Fatal(err)
	}
	if run := p.run("r"); run.DisplayName != "second" || run.Notes != "" || len(run.Tags) != 0 {
		t.Errorf("name %q, notes %q, tags %q; want second and nothing else", run.DisplayName, run.Notes, run.Tags)
	}
}

// TestTagsOfResumedRun: tags that a resumed run adds join those that the server
// has, unless they are said to be all. Seen to fail without inherited.tags (the
// server's are gone after "add").
func TestTagsOfResumedRun(t *testing.T) {
	for _, test := range []struct {
		name string
		more *wandbpb.RunRecord
		want []string
	}{
		{"add", &wandbpb.RunRecord{Tags: []string{"b", "c"}}, []string{"a", "b", "c"}},
		{"all", &wandbpb.RunRecord{Tags: []string{"c"}, OwnTags: true}, []string{"c"}},
		{"none", &wandbpb.RunRecord{Cleared: []string{"tags"}, OwnTags: true}, nil},
	} {
		p := newProof(t)
		if _, err := p.send(session(t, &wandbpb.RunRecord{RunId: "r", Tags: []string{"a", "b"}}, 2), Options{}); err != nil {
			t.Fatal(err)
		}
		l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p", Resume: "must"})
		test.more.RunId, test.more.Project = "r", "p"
		l.write(runRecord(test.more))
		l.rows(0, 1)
		l.exit(0)
		if _, err := p.send(l.dir, Options{}); err != nil {
			t.Fatal(err)
		}
		if tags := p.run("r").Tags; !slices.Equal(tags, test.want) {
			t.Errorf("%s: tags %q, want %q", test.name, tags, test.want)
		}
	}
}
