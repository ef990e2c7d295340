package wandb

import (
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/internal/derive"
)

func TestMean(t *testing.T) {
	type reading struct{ sec, v float64 }
	for _, c := range []struct {
		name   string
		total  bool
		before []reading // already written
		now    []reading
		want   []float64 // value, peak
	}{
		{"one", false, nil, []reading{{1, 7}}, []float64{7, 7}},
		{"a reading stands for the time before it", false, []reading{{1, 0}}, []reading{{2, 4}, {5, 8}}, []float64{7, 8}},
		{"the same reading again does not count", false, []reading{{1, 0}}, []reading{{2, 4}, {2, 4}, {3, 8}}, []float64{6, 8}},
		{"a slow tier keeps its value", false, []reading{{1, 5}}, []reading{{1, 5}, {1, 5}}, []float64{5, 5}},
		{"a total is the last", true, []reading{{1, 1}}, []reading{{2, 3}, {3, 9}}, []float64{9, 9}},
		{"a value that stays is exact", false, []reading{{0.1, 11}}, []reading{{0.3, 11}, {0.4, 11}, {0.9, 11}}, []float64{11, 11}},
		{"below zero", false, []reading{{1, 9}}, []reading{{2, -4}, {3, -2}}, []float64{-3, -2}},
	} {
		m := newMean(derive.Value{Key: "k", Total: c.total, Peak: true}, "")
		add := func(rs []reading) {
			for _, r := range rs {
				m.add(derive.Value{V: r.v, Time: int64(r.sec * float64(time.Second))})
			}
		}
		add(c.before)
		m.reset()
		add(c.now)
		items := m.appendTo(nil)
		if len(items) != 2 || items[0].Value != c.want[0] || items[1].Value != c.want[1] {
			t.Errorf("%s: got %v, want %v", c.name, items, c.want)
		}
	}
}
