package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
	"github.com/wandb-agent/wandb-agent/collectors/gpu"
	"github.com/wandb-agent/wandb-agent/collectors/host/pidwatch"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// diagnosis is the JSON of doctor, a stable schema.
type diagnosis struct {
	Build   build    `json:"build"`
	Kernel  string   `json:"kernel"`
	Series  int      `json:"series"`
	GPU     string   `json:"gpu"`
	Absent  []absent `json:"absent"`
	Checks  []check  `json:"checks"`
	Healthy bool     `json:"healthy"` // false when a check failed
}

type absent struct {
	Metric string `json:"metric"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy,omitempty"`
}

type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

func (c *cli) doctorCmd() *cobra.Command {
	var asJSON bool
	var file string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "What is measured here, what not, and why",
		Long: `Takes one sample and says for everything that is absent why it is (path and
error, driver and code) and what would bring it. Exit code 1 when something keeps
the agent itself from working.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := config.Load(file)
			if err != nil {
				return err
			}
			d, err := c.diagnose(cmd.Context(), conf)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(c.stdout, d)
			} else {
				err = d.write(c.stdout)
			}
			if err == nil && !d.Healthy {
				return statusError(exitFailure)
			}
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&file, "config", "", "configuration FILE (YAML)")
	return cmd
}

func (c *cli) diagnose(ctx context.Context, conf config.Config) (*diagnosis, error) {
	got, set, err := c.sampleOnce(ctx, conf)
	if err != nil {
		return nil, err
	}
	d := &diagnosis{Build: buildInfo(), Kernel: kernel(), Series: len(got.Values), GPU: gpuText(set.GPU()), Absent: []absent{}, Healthy: true}
	for _, a := range set.Explain() {
		d.Absent = append(d.Absent, absent(a))
	}
	d.Checks = []check{checkRunDir(), checkProc(conf.Host.Proc, got), checkExitStatus()}
	for _, ch := range d.Checks {
		d.Healthy = d.Healthy && ch.OK
	}
	return d, nil
}

// gpuText says how many GPUs there are, or why there are none.
func gpuText(st gpu.Status) string {
	if len(st.GPUs) == 0 {
		return "none: " + st.Reason
	}
	text := fmt.Sprintf("%d (driver %s, CUDA %s)", len(st.GPUs), orDash(st.Driver), orDash(st.CUDA))
	if st.Reason != "" {
		text += ": " + st.Reason
	}
	return text
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return runtime.GOOS
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

// checkRunDir makes and removes what a run would make.
func checkRunDir() check {
	ch := check{Name: "run directory"}
	root := os.Getenv("WANDB_DIR")
	if root == "" {
		root = "."
	}
	tmp, err := os.MkdirTemp(root, ".wandb-agent-doctor-")
	if err == nil {
		defer os.RemoveAll(tmp)
		var w *runlog.Writer
		if w, err = runlog.Create(tmp+"/run-doctor.wandb", runlog.Options{}); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		ch.Detail, ch.Remedy = err.Error(), "set WANDB_DIR or --dir to a directory you can write"
		return ch
	}
	ch.OK, ch.Detail = true, "runs can be written below "+root
	return ch
}

// checkProc fails when nothing at all could be measured.
func checkProc(proc string, got *onceSample) check {
	if len(got.Values) == 0 {
		return check{Name: "host numbers", Detail: "no series from " + proc, Remedy: "mount procfs there or set host.proc"}
	}
	return check{Name: "host numbers", OK: true, Detail: fmt.Sprintf("%d series from %s", len(got.Values), proc)}
}

// checkExitStatus says what attach can learn here; it is never a failure.
func checkExitStatus() check {
	ch := check{Name: "exit status of followed processes", OK: true}
	if pidwatch.KnowsEveryStatus() {
		ch.Detail = "known for every process (PIDFD_GET_INFO)"
	} else {
		ch.Detail = "known only where tracing is permitted, else unknown (kernel below 6.15)"
	}
	return ch
}

func (d *diagnosis) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "wandb-agent %s, %s, %s\n", d.Build.Version, d.Build.Go, d.Kernel)
	fmt.Fprintf(&b, "measured: %d series\nGPU: %s\n\n", d.Series, d.GPU)
	for _, ch := range d.Checks {
		mark := "ok  "
		if !ch.OK {
			mark = "FAIL"
		}
		fmt.Fprintf(&b, "%s  %s: %s\n", mark, ch.Name, ch.Detail)
		if ch.Remedy != "" {
			fmt.Fprintf(&b, "      %s\n", ch.Remedy)
		}
	}
	if len(d.Absent) > 0 {
		fmt.Fprintf(&b, "\nabsent:\n")
	}
	for _, a := range d.Absent {
		fmt.Fprintf(&b, "  %s\n      %s\n", a.Metric, a.Reason)
		if a.Remedy != "" {
			fmt.Fprintf(&b, "      -> %s\n", a.Remedy)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
