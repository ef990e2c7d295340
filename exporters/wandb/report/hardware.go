package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// hwRow is one hardware series as shown.
type hwRow struct {
	label string
	order int
	vals  []float64
	stat  stat
}

// hwKeys are the W&B system keys worth a line, in order of interest, with
// their units. # stands for a device index.
var hwKeys = []struct{ key, label string }{
	{"gpu.#.gpu", "GPU # busy %"},
	{"gpu.#.memoryAllocated", "GPU # memory %"},
	{"gpu.#.powerWatts", "GPU # power W"},
	{"gpu.#.temp", "GPU # temperature °C"},
	{"cpu", "process CPU %"},
	{"proc.memory.rssMB", "process memory MiB"},
	{"proc.cpu.threads", "process threads"},
	{"memory_percent", "memory in use %"},
	{"disk./.usagePercent", "disk / used %"},
	{"network.recv", "network received bytes"},
	{"network.sent", "network sent bytes"},
}

// hardwareRows picks the series that are shown out of all samples.
func hardwareRows(samples []runlog.Sample) []hwRow {
	byKey := map[string]*hwRow{}
	for i := range samples {
		for key, value := range samples[i].Values {
			v, ok := asNumber(value)
			if !ok {
				continue
			}
			r := byKey[key]
			if r == nil {
				r = describeKey(key)
				byKey[key] = r
			}
			r.vals = append(r.vals, v)
		}
	}
	var rows []hwRow
	for _, r := range byKey {
		if r.order >= 0 {
			r.stat = finite(r.vals)
			rows = append(rows, *r)
		}
	}
	slices.SortFunc(rows, func(a, b hwRow) int {
		return cmp.Or(cmp.Compare(a.order, b.order), strings.Compare(a.label, b.label))
	})
	return rows
}

// describeKey finds the line for a key; order -1 means that it has none.
func describeKey(key string) *hwRow {
	generic, index := key, ""
	if parts := strings.SplitN(key, ".", 3); len(parts) == 3 && parts[0] == "gpu" {
		if _, err := strconv.Atoi(parts[1]); err == nil {
			generic, index = "gpu.#."+parts[2], parts[1]
		}
	}
	for i, k := range hwKeys {
		if k.key == generic {
			return &hwRow{label: strings.Replace(k.label, "#", index, 1), order: i}
		}
	}
	return &hwRow{order: -1}
}
