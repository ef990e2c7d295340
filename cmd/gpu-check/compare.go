package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/wandb-agent/wandb-agent/collectors/gpu"
)

// quantity is one number that both sides know.
type quantity struct {
	name   string
	series []string                // ours: the first that is there
	theirs func(smiGPU) string     // text of nvidia-smi
	scale  float64                 // ours × scale is in their unit
	slack  func(v float64) float64 // allowed beyond the range of our two readings
}

func points(n float64) func(float64) float64 { return func(float64) float64 { return n } }

// share allows a share of the value, at least n.
func share(part, n float64) func(float64) float64 {
	return func(v float64) float64 { return max(n, part*math.Abs(v)) }
}

const perMiB = 1.0 / (1 << 20)

var quantities = []quantity{
	{"memory total MiB", []string{"hw.gpu.memory.limit"}, func(g smiGPU) string { return g.Memory.Total }, perMiB, points(1)},
	{"memory used MiB", []string{"hw.gpu.memory.usage"}, func(g smiGPU) string { return g.Memory.Used }, perMiB, points(2)},
	{"memory reserved MiB", []string{"hwx.gpu.memory.reserved"}, func(g smiGPU) string { return g.Memory.Reserved }, perMiB, points(2)},
	{"memory free MiB", []string{"hwx.gpu.memory.free"}, func(g smiGPU) string { return g.Memory.Free }, perMiB, points(2)},
	{"utilization %", []string{"hw.gpu.utilization general"}, func(g smiGPU) string { return g.Utilization.GPU }, 100, points(15)},
	{"memory access %", []string{"hwx.gpu.memory.io.utilization"}, func(g smiGPU) string { return g.Utilization.Memory }, 100, points(15)},
	{"temperature C", []string{"hw.temperature gpu"}, func(g smiGPU) string { return g.Temperature.GPU }, 1, points(2)},
	{"memory temperature C", []string{"hw.temperature memory"}, func(g smiGPU) string { return g.Temperature.Memory }, 1, points(2)},
	{"power average W", []string{"hw.power gpu gpu average_1s", "hw.power gpu gpu"}, averageDraw, 1, share(0.10, 5)},
	{"power instant W", []string{"hw.power gpu gpu instant"}, func(g smiGPU) string { return first(g.Power.Instant, g.OldPower.Instant) }, 1, share(0.15, 10)},
	{"power limit W", []string{"hwx.gpu.power.limit enforced"}, limit, 1, points(0.1)},
	{"SM clock MHz", []string{"hwx.gpu.clock.frequency sm"}, func(g smiGPU) string { return g.Clocks.SM }, 1e-6, share(0.05, 30)},
	{"memory clock MHz", []string{"hwx.gpu.clock.frequency memory"}, func(g smiGPU) string { return g.Clocks.Memory }, 1e-6, share(0.02, 15)},
	{"performance state", []string{"hwx.gpu.pstate"}, func(g smiGPU) string { return g.State }, 1, points(0)},
}

func averageDraw(g smiGPU) string {
	return first(g.Power.Average, g.Power.Draw, g.OldPower.Average, g.OldPower.Draw)
}

func limit(g smiGPU) string {
	return first(g.Power.Limit, g.Power.Enforced, g.OldPower.Enforced, g.OldPower.Limit)
}

// row is one line of the table.
type row struct {
	gpu, name             string
	before, theirs, after string
	off                   float64 // distance of theirs from the range of ours
	verdict               string
	bad                   bool
}

// compare puts nvidia-smi's numbers beside the range of our readings just
// before and just after it ran.
func compare(before ours, theirs map[string]smiGPU, after ours) []row {
	var rows []row
	for _, uuid := range slices.Sorted(maps.Keys(after)) {
		g, found := theirs[uuid]
		if !found {
			rows = append(rows, row{gpu: uuid, name: "GPU", verdict: "nvidia-smi does not list it", bad: true})
			continue
		}
		for _, q := range quantities {
			rows = append(rows, q.compare(uuid, before[uuid], g, after[uuid]))
		}
	}
	for _, uuid := range slices.Sorted(maps.Keys(theirs)) {
		if _, found := after[uuid]; !found {
			rows = append(rows, row{gpu: uuid, name: "GPU", verdict: "we do not see it", bad: true})
		}
	}
	return rows
}

func (q quantity) compare(uuid string, before map[string]float64, g smiGPU, after map[string]float64) row {
	r := row{gpu: uuid, name: q.name, before: "-", theirs: "-", after: "-"}
	a, haveA := q.read(before, &r.before)
	b, haveB := q.read(after, &r.after)
	v, haveV := number(q.theirs(g))
	if haveV {
		r.theirs = fmt.Sprintf("%.6g", v)
	}
	switch {
	case !haveA && !haveB && !haveV:
		r.verdict = "neither has it"
	case !haveA && !haveB:
		// The slow tier reads some numbers every 10 s only.
		r.verdict = "we have none"
		r.bad = q.name != "performance state"
	case !haveV:
		r.verdict = "nvidia-smi has none"
	default:
		if !haveA {
			a = b
		}
		if !haveB {
			b = a
		}
		low, high := min(a, b), max(a, b)
		r.off = max(0, low-v, v-high)
		r.bad = r.off > q.slack(v)
		r.verdict = "ok"
		if r.bad {
			r.verdict = "DIFFERENT"
		}
	}
	return r
}

// read returns our value in their unit and writes it to text.
func (q quantity) read(values map[string]float64, text *string) (float64, bool) {
	for _, s := range q.series {
		if v, found := values[s]; found {
			*text = fmt.Sprintf("%.6g", v*q.scale)
			return v * q.scale, true
		}
	}
	return 0, false
}

// printRows prints the table and reports whether every row is good.
func printRows(out io.Writer, rows []row) bool {
	good := true
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GPU\tquantity\tours before\tnvidia-smi\tours after\toff by\t")
	for _, r := range rows {
		good = good && !r.bad
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.3g\t%s\n", short(r.gpu), r.name, r.before, r.theirs, r.after, r.off, r.verdict)
	}
	w.Flush()
	return good
}

// short returns the first and last part of a UUID.
func short(uuid string) string {
	if len(uuid) <= 20 {
		return uuid
	}
	return uuid[:12] + ".." + uuid[len(uuid)-4:]
}

// printCosts prints the cost table.
func printCosts(out io.Writer, costs []gpu.CallCost) {
	fmt.Fprintln(out, "\ncost of driver calls")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GPU\tcall\tmedian µs\tslowest µs\tanswer")
	for _, c := range costs {
		fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%s\n", c.GPU, c.Call, float64(c.Median.Nanoseconds())/1e3, float64(c.Slowest.Nanoseconds())/1e3, c.Answer)
	}
	w.Flush()
}
