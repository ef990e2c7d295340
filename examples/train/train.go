//go:build !bare

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/report"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// hyper are the hyperparameters: the config of the run.
type hyper struct {
	Hidden   int     `json:"hidden"`
	LR       float64 `json:"lr"`
	Momentum float64 `json:"momentum"`
	Batch    int     `json:"batch"`
	Epochs   int     `json:"epochs,omitempty"`
	Seconds  float64 `json:"seconds"`
	Seed     uint64  `json:"seed"`
	Dataset  string  `json:"dataset"`
}

// options are the flags.
type options struct {
	hyper hyper
	dir   string
	nvml  string
	color string
	mode  string
}

// run is the program without its process: it returns the exit code.
func run(args, environ []string, stdout, stderr io.Writer) int {
	o := options{hyper: hyper{Dataset: "UCI optical digits, 1797 images of 8x8"}}
	fs := flag.NewFlagSet("train", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&o.hyper.Hidden, "hidden", 128, "hidden units")
	fs.Float64Var(&o.hyper.LR, "lr", 0.02, "learning rate at the start; it falls linearly to a tenth")
	fs.Float64Var(&o.hyper.Momentum, "momentum", 0.9, "momentum")
	fs.IntVar(&o.hyper.Batch, "batch", 32, "images per step")
	fs.IntVar(&o.hyper.Epochs, "epochs", 0, "passes over the data; 0 trains until -seconds are over")
	fs.Float64Var(&o.hyper.Seconds, "seconds", 12, "end after this time")
	fs.Uint64Var(&o.hyper.Seed, "seed", 1, "seed of weights and of the order of images")
	fs.StringVar(&o.dir, "dir", "", "where the run directory goes (default: WANDB_DIR, else here)")
	fs.StringVar(&o.nvml, "nvml", "", "path of a stand-in for NVIDIA's management library: the run is marked as simulated")
	fs.StringVar(&o.mode, "mode", "offline", "offline needs no account; online sends the run while it goes on")
	fs.StringVar(&o.color, "color", "auto", "colour the summary: auto, always, never")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	if o.hyper.Hidden < 1 || o.hyper.Batch < 1 || o.hyper.Seconds <= 0 || o.hyper.Epochs < 0 || fs.NArg() > 0 {
		fmt.Fprintln(stderr, "train: want -hidden and -batch of at least 1, -seconds above 0, no arguments")
		return 2
	}
	if err := trainAndShow(o, environ, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "train:", err)
		return 1
	}
	return 0
}

func trainAndShow(o options, environ []string, stdout, stderr io.Writer) error {
	tags := []string{"example"}
	if o.nvml != "" {
		tags = append(tags, "simulated-gpu")
	}
	r, err := runapi.Init(context.Background(), runapi.Settings{
		Mode: runapi.Mode(o.mode), Dir: o.dir, JobType: "train", Tags: tags, Config: o.hyper, Environ: environ, GPULibrary: o.nvml,
		Logger: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	console := io.MultiWriter(stdout, r.ConsoleWriter(false))
	if o.nvml != "" {
		fmt.Fprintf(console, "SIMULATED: GPU numbers of this run come from %s\n", o.nvml)
	}
	code := 0
	if err = fit(r, &o.hyper, console); err != nil {
		code = 1
	}
	if ferr := r.Finish(code); err == nil {
		err = ferr
	}
	if err != nil || r.Dir() == "" {
		return err
	}
	return show(r, o.color, stdout)
}

// fit trains and logs.
func fit(r *runapi.Run, h *hyper, console io.Writer) error {
	train, val, err := loadDigits(h.Seed, 0.2)
	if err != nil {
		return err
	}
	if err := define(r); err != nil {
		return err
	}
	m := newModel(h.Hidden, h.Seed)
	if err := r.Config().Update(map[string]any{"images": map[string]any{"train": len(train.y), "val": len(val.y)}, "parameters": len(m.w1.p) + len(m.w2.p)}); err != nil {
		return err
	}
	fmt.Fprintf(console, "training on %d images for %.0f s, checking on %d\n", len(train.y), h.Seconds, len(val.y))
	t := trainer{run: r, h: h, m: m, train: &train, began: time.Now(), keys: newKeys(r), row: r.Row()}
	rng := rand.New(rand.NewPCG(h.Seed, 3))
	for epoch := 1; (h.Epochs == 0 || epoch <= h.Epochs) && !t.over(); epoch++ {
		mean, err := t.epoch(rng.Perm(len(train.y)))
		if err != nil {
			return err
		}
		s := m.evaluate(&val)
		if err := r.Log(map[string]any{"epoch": epoch, "val": map[string]any{"loss": s.loss, "acc": s.accuracy}}, runapi.NoCommit()); err != nil {
			return err
		}
		if epoch == 1 || epoch%20 == 0 {
			fmt.Fprintf(console, "epoch %3d  loss %.4f  val loss %.4f  val acc %.4f\n", epoch, mean, s.loss, s.accuracy)
		}
	}
	s := m.evaluate(&val)
	fmt.Fprintf(console, "done: val acc %.4f after %.1f s\n", s.accuracy, time.Since(t.began).Seconds())
	return r.Summary().Set("final_val_acc", s.accuracy)
}

// define says what to plot against what, and what the summary keeps.
func define(r *runapi.Run) error {
	if _, err := r.DefineMetric("val.*", runapi.MetricOptions{StepMetric: "epoch", NoStepSync: true}); err != nil {
		return err
	}
	if _, err := r.DefineMetric("val.acc", runapi.MetricOptions{StepMetric: "epoch", NoStepSync: true, Summary: runapi.Max | runapi.Last, Goal: runapi.Maximize}); err != nil {
		return err
	}
	_, err := r.DefineMetric("loss", runapi.MetricOptions{Summary: runapi.Min | runapi.Last, Goal: runapi.Minimize})
	return err
}

// keys are the metrics of a step, resolved once.
type keys struct{ loss, acc, lr, grad, rate runapi.Key }

func newKeys(r *runapi.Run) keys {
	return keys{r.Key("loss"), r.Key("acc"), r.Key("lr"), r.Key("grad_norm"), r.Key("images_per_second")}
}

// trainer is a training under way.
type trainer struct {
	run   *runapi.Run
	h     *hyper
	m     *model
	train *dataset
	began time.Time
	keys  keys
	row   runapi.Row
}

// over reports whether the time is up.
func (t *trainer) over() bool { return time.Since(t.began).Seconds() >= t.h.Seconds }

// rate is the learning rate now.
func (t *trainer) rate() float64 {
	done := min(time.Since(t.began).Seconds()/t.h.Seconds, 1)
	return t.h.LR * (1 - 0.9*done)
}

// epoch trains on the images in the given order and logs every step. It
// returns the mean loss.
func (t *trainer) epoch(order []int) (mean float64, err error) {
	steps := 0
	for len(order) >= t.h.Batch && (steps == 0 || !t.over()) {
		began, lr := time.Now(), t.rate()
		s := t.m.train(t.train, order[:t.h.Batch], float32(lr), float32(t.h.Momentum))
		order = order[t.h.Batch:]
		t.row.Float(t.keys.loss, s.loss)
		t.row.Float(t.keys.acc, s.accuracy)
		t.row.Float(t.keys.lr, lr)
		t.row.Float(t.keys.grad, s.gradNorm)
		t.row.Float(t.keys.rate, float64(t.h.Batch)/time.Since(began).Seconds())
		if err := t.run.LogRow(&t.row); err != nil {
			return 0, err
		}
		mean += s.loss
		steps++
	}
	return mean / float64(max(steps, 1)), nil
}

// show prints the finished run from its log, and how to look further.
func show(r *runapi.Run, color string, w io.Writer) error {
	dir, err := runlog.OpenDir(r.Dir())
	if err != nil {
		return err
	}
	loaded, err := runlog.Load(dir)
	if err != nil {
		return err
	}
	if err := report.Write(w, loaded, report.Options{Color: useColor(color, w), Width: 80}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nlook further:\n  go run ./cmd/wandb-agent show %[1]s\n  go run ./cmd/wandb-agent export %[1]s --format csv\n  go run ./cmd/wandb-agent sync %[1]s    # to send it to a W&B server\n", r.Dir())
	return err
}
