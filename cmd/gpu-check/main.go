// Command gpu-check compares what wandb-agent reads from NVIDIA GPUs with what
// nvidia-smi says at the same time, under a load of its own, and prints what
// each driver call costs. See docs/gpu-check.md.
package main

import (
	"context"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
