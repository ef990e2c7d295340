package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
	"github.com/wandb-agent/wandb-agent/collectors"
	"github.com/wandb-agent/wandb-agent/exporters/prom"
)

func (c *cli) runCmd() *cobra.Command {
	var file, listen string
	cmd := &cobra.Command{
		Use:   "run [--config FILE]",
		Short: "Host agent: /metrics, /healthz and /readyz until stopped",
		Long: `Samples this host, and its NVIDIA GPUs if there are any, until SIGTERM or
SIGINT, and serves /metrics, /healthz and /readyz. Runs nothing itself: to run a
command as a W&B run use exec.`,
		Example: "  wandb-agent run\n  curl 127.0.0.1:19790/metrics",
		Args:    noCommandToRun,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := config.Load(file)
			if err != nil {
				return err
			}
			if listen != "" {
				conf.Web.ListenAddress = listen
			}
			return c.runHost(cmd.Context(), conf)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration FILE (YAML); see: wandb-agent config print")
	cmd.Flags().StringVar(&listen, "web.listen-address", "", "host:port of /metrics (default 127.0.0.1:19790)")
	return cmd
}

// noCommandToRun answers `run -- CMD`, the natural mistake.
func noCommandToRun(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	line := args[0]
	for _, a := range args[1:] {
		line += " " + a
	}
	return usagef("run is the host agent and takes no command; use exec:\n  wandb-agent exec -- %s", line)
}

// scrapeValues is the size of the ring when nothing but scrapes reads it: two
// minutes of a host with 300 series.
const scrapeValues = 40_000

// runHost is the host agent until a signal ends it.
func (c *cli) runHost(ctx context.Context, conf config.Config) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal finds the default action: it kills
	log := c.logger(conf.Log)
	set, err := collectors.Open(collectorConfig(conf, log))
	if err != nil {
		return err
	}
	defer set.Close()
	metrics := prom.New(prom.Config{Logger: log})
	outputs, err := otlpOutputs(ctx, conf.OTLP)
	if err != nil {
		return err
	}
	outputs = append(outputs, agent.Output{Name: "prometheus", Exporter: metrics, Select: agent.Select{All: true, Rows: true}})
	settings := agent.Config{Logger: log, Sources: set.Sources, Outputs: outputs}
	if len(conf.OTLP) == 0 { // scrapes need the newest values only
		settings.HardwareValues, settings.RowValues = scrapeValues, 1
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // a small heap that hardly grows: memory is dearer than the collector's time
	}
	a, err := agent.New(settings)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", conf.Web.ListenAddress)
	if err != nil {
		return fmt.Errorf("listen for /metrics: %w (another agent, or set --web.listen-address)", err)
	}
	log.Info("sampling", "metrics", "http://"+listener.Addr().String()+"/metrics", "every", conf.SampleInterval.String())
	return serveUntil(ctx, a, listener, webHandler(a, metrics), log)
}

// serveUntil runs the agent and the listener until ctx ends or one fails; then
// it ends both. Being told to end is no error.
func serveUntil(ctx context.Context, a *agent.Agent, l net.Listener, h *handler, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 2)
	go func() { done <- a.Run(ctx) }()
	go func() { done <- h.serve(ctx, l) }()
	first := <-done
	cancel()
	err := errors.Join(first, <-done)
	log.Info("stopped", "uptime", time.Since(h.start).Round(time.Second).String())
	return err
}
