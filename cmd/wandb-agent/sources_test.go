package main

import (
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
)

// The SDK does not read these variables when it is given a client.
func TestOTLPEnvironment(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
	_, err := otlpOutputs(t.Context(), []config.OTLP{{Name: "a", Endpoint: "http://127.0.0.1:4318"}})
	if err == nil || !strings.Contains(err.Error(), `OTEL_EXPORTER_OTLP_TIMEOUT "soon"`) {
		t.Errorf("got %v, want an error that names OTEL_EXPORTER_OTLP_TIMEOUT", err)
	}
}
