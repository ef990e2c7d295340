// Command wandb-server serves the W&B protocol from a directory: clients log
// to it as they would to a W&B server, and what they stored lies there in
// plain files. See docs/server.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
