package gpu

import (
	"fmt"
	"slices"
	"time"
)

// CallCost is how long one driver call took on one GPU.
type CallCost struct {
	GPU     string        // gpu0
	Call    string        // name of the NVML function; " (older form)" where the driver has a newer
	Answer  string        // "" when the call succeeded, else its code in words
	Median  time.Duration // of the calls made
	Slowest time.Duration // of them
}

// MeasureCalls opens the library, makes every call of a tick the given number
// of times on every GPU, one after another, and closes it again. No Driver of
// this process may run meanwhile. It is for people who look into the cost of
// sampling: a tick makes each call once.
func MeasureCalls(cfg Config, rounds int) ([]CallCost, error) {
	cfg = cfg.withDefaults()
	lib := newLibrary(cfg.Library)
	if err := lib.Open(); err != nil {
		return nil, err
	}
	defer lib.Close()
	if c := lib.Init(); c != ok {
		return nil, fmt.Errorf("initialise %s: %w", cfg.Library, c)
	}
	n, c := lib.Count()
	if c != ok {
		return nil, fmt.Errorf("count GPUs: %w", c)
	}
	var costs []CallCost
	for i := range n {
		dev, c := lib.ByIndex(i)
		if c != ok {
			costs = append(costs, CallCost{GPU: fmt.Sprintf("gpu%d", i), Call: "GetHandleByIndex", Answer: c.Error()})
			continue
		}
		costs = append(costs, measureDevice(fmt.Sprintf("gpu%d", i), dev, rounds)...)
	}
	return costs, nil
}

func measureDevice(name string, dev device, rounds int) []CallCost {
	var costs []CallCost
	r := reader{dev: dev}
	for _, c := range calls {
		for way, ask := range c.ways {
			cost := CallCost{GPU: name, Call: c.name}
			if way > 0 {
				cost.Call += " (older form)"
			}
			times := make([]time.Duration, max(rounds, 1))
			for i := range times {
				start := time.Now()
				answer := ask(&r)
				times[i] = time.Since(start)
				if answer != ok {
					cost.Answer = answer.Error()
				}
			}
			slices.Sort(times)
			cost.Median, cost.Slowest = times[len(times)/2], times[len(times)-1]
			costs = append(costs, cost)
		}
	}
	return costs
}
