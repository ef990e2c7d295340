package runapi

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/perstep"
)

// stepDefault is the name in Settings.StepHardware that stands for perstep.Default.
const stepDefault = "default"

// meterSteps makes the meter of the steps, if it is asked for, and the output
// that feeds it, if there is something to feed.
func (r *Run) meterSteps() []agent.Output {
	if len(r.set.StepHardware) == 0 {
		return nil
	}
	cfg := perstep.Config{Run: sample.RunID(r.set.ID), Metrics: stepMetrics(r.set.StepHardware), Every: r.set.SampleInterval}
	if r.set.PID == os.Getpid() {
		cfg.CPU = perstep.ProcessCPU
	}
	r.meter = perstep.New(cfg)
	if r.set.DisableStats {
		r.set.Logger.Warn("steps tell of CPU seconds only: this process does not measure the hardware", "run", r.set.ID, "inside", r.set.inside)
		return nil
	}
	return []agent.Output{{
		Name: "steps/" + r.set.ID, Exporter: r.meter,
		Select: agent.Select{Host: true, Runs: []sample.RunID{cfg.Run}},
		Every:  r.set.SampleInterval, Clock: &r.clock,
	}}
}

// stepMetrics puts the default's names in its place.
func stepMetrics(names []string) []string {
	var all []string
	for _, name := range names {
		if name == stepDefault {
			all = append(all, perstep.Default...)
		} else {
			all = append(all, name)
		}
	}
	return all
}

// setStepHardware reads a list of names.
func setStepHardware(s *Settings, v string) error {
	for name := range strings.SplitSeq(v, ",") {
		if name = strings.TrimSpace(name); name != "" {
			s.StepHardware = append(s.StepHardware, name)
		}
	}
	return checkStepHardware(s.StepHardware)
}

var errStepHardware = errors.New("want names of system metrics such as gpu.0.gpu or gpu.*, or default")

func checkStepHardware(names []string) error {
	bad := func(name string) bool { return name == "" || len(name) > 256 || strings.Count(name, "*") > 4 }
	if slices.ContainsFunc(names, bad) {
		return errStepHardware
	}
	return nil
}
