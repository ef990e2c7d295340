package runapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// TestStatus: what is on disk, at the server and at an output, while the server
// is busy and afterwards.
func TestStatus(t *testing.T) {
	p := serve(t)
	p.faults.Add(faults.On(faults.Match{Path: "file_stream"}, faults.Status(503)))
	s := p.online(t)
	s.Outputs = []agent.Output{{Name: "sink", Exporter: &agenttest.Recorder{}, Every: minInterval}}
	r := start(t, s)
	for i := range 5 {
		if err := r.Log(map[string]any{"i": i}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "trouble with five rows", func() bool {
		st := r.Status()
		return st.Upload.Rows.Pending() == 5 && st.LastError() != nil
	})
	st := r.Status()
	if st.Rows != 5 || st.Synced() || st.Finished || st.Kept != nil || st.Pending != 0 || st.Upload.PendingBytes == 0 {
		t.Errorf("while the server is busy: %+v", st)
	}
	p.faults.Clear()
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	st = r.Status()
	if !st.Synced() || !st.Finished || st.Upload.Rows.Sent != 5 || st.Upload.Rows.Dropped != 0 || st.LastError() != nil {
		t.Errorf("at the end: %+v, %v", st, st.LastError())
	}
	var names []string
	for _, o := range st.Outputs {
		names = append(names, o.Name)
		if o.Name == "sink" && (o.Sent < 5 || o.Sent != o.Offered) {
			t.Errorf("output sink: %+v, want all sent", o)
		}
	}
	if got := strings.Join(names, " "); !strings.Contains(got, "wandb/"+r.ID()) || !strings.Contains(got, "sink") {
		t.Errorf("outputs %q", got)
	}
}

func TestStatusOfAKeptRun(t *testing.T) {
	s := quiet(t)
	s.Mode = ModeOnline
	r := start(t, s)
	st := r.Status()
	if !errors.Is(st.Kept, ErrNotLoggedIn) || !errors.Is(st.LastError(), ErrNotLoggedIn) || st.Synced() {
		t.Errorf("an online run without a key: kept because of %v, synced %v", st.Kept, st.Synced())
	}
	off := start(t, quiet(t)).Status()
	if !off.Synced() || off.Kept != nil {
		t.Errorf("an offline run: %+v", off)
	}
}

// TestLinks: pages of run, project and sweep, when there is a server.
func TestLinks(t *testing.T) {
	r := start(t, quiet(t))
	if got := r.URL() + r.ProjectURL() + r.SweepURL() + r.HTML(HTMLOptions{}); got != "" {
		t.Errorf("a run that is kept has links: %q", got)
	}
	p := serve(t)
	s := p.online(t)
	s.SweepID = "sw1"
	r = start(t, s)
	eventually(t, "the run at the server", func() bool { return r.URL() != "" })
	project := p.front.URL() + "/" + server.DefaultEntity + "/p"
	if r.URL() != project+"/runs/"+r.ID() || r.ProjectURL() != project || r.SweepURL() != project+"/sweeps/sw1" || r.SweepID() != "sw1" {
		t.Errorf("links %s, %s, %s", r.URL(), r.ProjectURL(), r.SweepURL())
	}
	if got, want := r.HTML(HTMLOptions{}), `<iframe src="`+r.URL()+`?jupyter=true" loading="lazy" style="border:none;width:100%;height:420px"></iframe>`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := r.HTML(HTMLOptions{Hidden: true, Height: 100}); !strings.HasPrefix(got, "<details><summary>") || !strings.Contains(got, "height:100px") {
		t.Errorf("hidden: %s", got)
	}
}
