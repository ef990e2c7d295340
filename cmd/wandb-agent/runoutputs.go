package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
	"github.com/wandb-agent/wandb-agent/exporters/prom"
)

// outputs are the places besides the run where the numbers of exec and attach go:
// the OTLP receivers of the configuration file, and /metrics of an address. What it
// started ends with the process.
func (f *runFlags) outputs(ctx context.Context, log *slog.Logger) ([]agent.Output, error) {
	conf, err := config.Load(f.Config)
	if err != nil {
		return nil, err
	}
	outputs, err := otlpOutputs(ctx, conf.OTLP)
	if err != nil || f.Listen == "" {
		return outputs, err
	}
	metrics := prom.New(prom.Config{Logger: log})
	listener, err := net.Listen("tcp", f.Listen)
	if err != nil { // the command goes on all the same
		log.Warn("metrics are not served", "address", f.Listen, "error", err)
		return outputs, nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler())
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	go func() {
		if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Warn("metrics are not served any more", "error", err)
		}
	}()
	return append(outputs, agent.Output{Name: "prometheus", Exporter: metrics, Select: agent.Select{All: true, Rows: true}}), nil
}

// checkOutputs says what is wrong before anything has started.
func (f *runFlags) checkOutputs() error {
	if _, err := config.Load(f.Config); err != nil {
		return err
	}
	if f.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(f.Listen); err != nil {
		return fmt.Errorf("--web.listen-address %q: %w", f.Listen, err)
	}
	return nil
}
