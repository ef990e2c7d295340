package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
	"github.com/wandb-agent/wandb-agent/collectors"
	"github.com/wandb-agent/wandb-agent/exporters/otel"
)

// nvmlVariable names another NVML library, such as the stand-in of the tests.
const nvmlVariable = "WANDB_AGENT_NVML"

// collectorConfig is what the file says about collectors.
func collectorConfig(conf config.Config, log *slog.Logger) collectors.Config {
	library := conf.GPU.Library
	if library == "" {
		library = os.Getenv(nvmlVariable)
	}
	return collectors.Config{
		Proc:       conf.Host.Proc,
		Sys:        conf.Host.Sys,
		DiskPaths:  conf.Host.DiskPaths,
		Every:      time.Duration(conf.SampleInterval),
		NoGPU:      conf.GPU.Disabled,
		GPULibrary: library,
		Logger:     log,
	}
}

// otlpOutputs makes an output per receiver of the file; the standard variables
// fill in what it leaves out.
func otlpOutputs(ctx context.Context, confs []config.OTLP) ([]agent.Output, error) {
	var outs []agent.Output
	for _, o := range confs {
		headers := make(map[string]otel.Secret, len(o.Headers))
		for k, v := range o.Headers {
			headers[k] = otel.Secret(v)
		}
		conf, err := otel.FromEnv(os.Getenv)
		if err != nil {
			return nil, err
		}
		conf.Endpoint, conf.Headers = o.Endpoint, headers
		if o.Timeout != 0 {
			conf.Timeout = time.Duration(o.Timeout)
		}
		e, err := otel.New(ctx, conf)
		if err != nil {
			return nil, err
		}
		every := time.Duration(o.Interval)
		if every == 0 {
			every = 10 * time.Second
		}
		outs = append(outs, agent.Output{Name: o.Name, Exporter: e, Select: agent.Select{All: true, Rows: o.Rows}, Every: every})
	}
	return outs, nil
}

// logger writes to standard error as the configuration says.
func (c *cli) logger(conf config.Log) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(conf.Level)) != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if conf.Format == "json" {
		return slog.New(slog.NewJSONHandler(c.stderr, opts))
	}
	return slog.New(slog.NewTextHandler(c.stderr, opts))
}
