package wandb

import (
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/internal/derive"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// peakPrefix begins the keys of the highest values between two records.
const peakPrefix = "agent.max."

// mean is one key between two records.
type mean struct {
	key   []byte // rendered
	peak  []byte // nil: not asked for
	total bool   // it counts up

	count          int     // values since the last record
	last, low, top float64 // newest, lowest and highest of them
	sum            float64 // of value × the seconds it stands for
	seconds        float64
	time           int64 // of the newest reading ever, Clock ns; 0 for none
}

func newMean(v derive.Value, label string) *mean {
	if label != "" {
		label = "/l:" + label
	}
	m := &mean{key: runlog.NewStatKey(v.Key + label), total: v.Total}
	if v.Peak {
		m.peak = runlog.NewStatKey(peakPrefix + v.Key + label)
	}
	return m
}

// add takes a value in. It stands for the time since the reading before; a
// reading that was there already is not counted twice, but keeps its key in
// the record.
func (m *mean) add(v derive.Value) {
	stands := time.Duration(v.Time - m.time).Seconds()
	switch {
	case m.time == 0:
		stands = 1
	case stands <= 0 && m.count > 0:
		return
	case stands <= 0: // a slow tier: the last record had it too
		stands = 1
	}
	if m.count == 0 {
		m.low, m.top = v.V, v.V
	}
	m.low, m.top = min(m.low, v.V), max(m.top, v.V)
	m.count++
	m.last, m.time = v.V, max(m.time, v.Time)
	m.sum += v.V * stands
	m.seconds += stands
}

// appendTo adds what the key came to.
func (m *mean) appendTo(items []runlog.StatItem) []runlog.StatItem {
	v := m.last
	if !m.total && m.low < m.top { // a value that stays is not rounded
		v = min(max(m.sum/m.seconds, m.low), m.top)
	}
	items = append(items, runlog.StatItem{Key: m.key, Value: v})
	if m.peak != nil {
		items = append(items, runlog.StatItem{Key: m.peak, Value: m.top})
	}
	return items
}

func (m *mean) reset() { m.count, m.sum, m.seconds = 0, 0, 0 }
