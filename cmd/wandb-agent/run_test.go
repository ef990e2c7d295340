package main

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/exporters/prom"
)

// TestListenerThatFailsIsTold: the agent is then told to end, which must not
// hide why. Seen to fail without first in what serveUntil returns.
func TestListenerThatFailsIsTold(t *testing.T) {
	a, err := agent.New(agent.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := serveUntil(context.Background(), a, l, webHandler(a, prom.New(prom.Config{})), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("the listener failed and serveUntil said nothing")
	}
}
