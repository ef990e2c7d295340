package upload

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// proof is the proving server, whose violations fail a test.
type proof struct {
	*server.Server
	t   testing.TB
	url string
}

func newProof(t testing.TB) *proof {
	t.Helper()
	return newProofBehind(t, func(h http.Handler) http.Handler { return h })
}

// newProofBehind puts something between the server and its clients.
func newProofBehind(t testing.TB, wrap func(http.Handler) http.Handler) *proof {
	t.Helper()
	s, err := server.Open(server.Options{Dir: t.TempDir(), Key: testKey.Reveal()})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(wrap(s))
	t.Cleanup(func() {
		h.Close()
		if v := s.Violations(); len(v) > 0 {
			t.Errorf("the server saw violations: %.500q", v)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &proof{s, t, h.URL}
}

func (p *proof) client(shared string) *api.Client {
	p.t.Helper()
	o := api.Options{BaseURL: p.url, Key: testKey}
	if shared != "" {
		o.Shared = &api.SharedWriter{ClientID: shared}
	}
	c, err := api.New(o)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// send uploads a finished log.
func (p *proof) send(dir *runlog.Dir, o Options) (Report, error) {
	p.t.Helper()
	o.Dir = dir
	if o.Client == nil {
		o.Client = p.client("")
	}
	u, err := New(o)
	if err != nil {
		p.t.Fatal(err)
	}
	rep, err := u.Run(deadline(p.t))
	if err == nil && !rep.Already && (!rep.Complete || rep.Unsent()) {
		p.t.Errorf("report: %+v", rep)
	}
	return rep, err
}

func (p *proof) run(id string) *server.Run {
	p.t.Helper()
	r, err := p.Run("local", "p", id)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// column is one key of all rows.
func column(t testing.TB, lines []string, key string) (out []any) {
	t.Helper()
	for _, line := range lines {
		v, err := xjson.Decode([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v.(map[string]any)[key])
	}
	return out
}

func configRecord(key, value string) *wandbpb.Record {
	return &wandbpb.Record{RecordType: &wandbpb.Record_Config{Config: &wandbpb.ConfigRecord{
		Update: []*wandbpb.ConfigItem{{Key: key, ValueJson: value}}}}}
}

// session is a finished log of a run with some rows.
func session(t testing.TB, run *wandbpb.RunRecord, rows int64, more ...*wandbpb.Record) *runlog.Dir {
	t.Helper()
	run.Project = "p"
	l := newLog(t, run)
	l.write(more...)
	l.rows(0, rows)
	l.w.Output(false, 1_700_000_000_000_000_000, []byte("a\nb\n"))
	l.w.Stats(1_700_000_015_000_000_000, []runlog.StatItem{{Key: runlog.NewStatKey("cpu"), Value: 1}})
	l.write(summaryRecord("_step", itoa(int(rows)-1)), summaryRecord("_runtime", "7"))
	l.exit(0)
	return l.dir
}
