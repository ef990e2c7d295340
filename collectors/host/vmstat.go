//go:build linux

package host

import "github.com/wandb-agent/wandb-agent/collectors/internal/counter"

var vmFields = []struct{ field, metric, label string }{
	{"pswpin", "system.paging.operations", "in"},
	{"pswpout", "system.paging.operations", "out"},
	{"pgmajfault", "system.paging.faults", "major"},
	{"oom_kill", "system.linux.oom_kills", ""},
}

// vmstat reads /proc/vmstat.
type vmstat struct {
	file   file
	keys   *keyed
	fields []*counter.Counter // one per vmFields; nil when the kernel lacks it
	minor  *counter.Counter
}

func newVmstat(path string) *vmstat {
	names := []string{"pgfault"}
	for _, f := range vmFields {
		names = append(names, f.field)
	}
	return &vmstat{file: file{path: path}, keys: newKeyed(' ', names...)}
}

func (v *vmstat) describe(r *registrar) error {
	b, err := v.file.read(&r.buf)
	if err != nil {
		return err
	}
	v.keys.parse(b)
	v.fields, v.minor = v.fields[:0], nil
	for _, f := range vmFields {
		var c *counter.Counter
		if _, ok := v.keys.get(f.field); ok {
			c = r.counter(counter.Rule{}, 1, false, f.metric, f.label)
		}
		v.fields = append(v.fields, c)
	}
	if _, ok := v.keys.get("pgfault"); ok {
		v.minor = r.counter(counter.Rule{Slack: faultSlack}, 1, false, "system.paging.faults", "minor")
	}
	return nil
}

// faultSlack bounds how far pgfault may lag behind pgmajfault: the kernel adds
// the two up CPU after CPU, not at one moment.
const faultSlack = 1000

func (v *vmstat) collect(t *tick) error {
	b, err := v.file.read(&t.buf)
	if err != nil {
		return err
	}
	v.keys.parse(b)
	for i, c := range v.fields {
		if n, ok := v.keys.get(vmFields[i].field); ok && c != nil {
			c.Put(t.f, t.schema, t.prev, n)
		}
	}
	all, ok1 := v.keys.get("pgfault")
	major, ok2 := v.keys.get("pgmajfault")
	if v.minor != nil && ok1 && ok2 && all >= major {
		v.minor.Put(t.f, t.schema, t.prev, all-major)
	}
	return nil
}

func (v *vmstat) close() { v.file.close() }
