package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/exporters/prom"
)

// handler serves the host agent's HTTP paths.
type handler struct {
	http.Handler
	start time.Time
}

func webHandler(a *agent.Agent, metrics *prom.Exporter) *handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, a.Status(), time.Now()) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "wandb-agent\n\n/metrics  numbers of this host\n/healthz  the process answers\n/readyz   samples are flowing\n")
	})
	return &handler{Handler: mux, start: time.Now()}
}

// ready answers 200 when at least one source has given a sample within three
// of its intervals (at least 10 s), and 503 with the reason otherwise.
func ready(w http.ResponseWriter, st agent.Status, now time.Time) {
	for _, s := range st.Sources {
		if !s.LastOK.IsZero() && now.Sub(s.LastOK) < max(3*s.Every, 10*time.Second) {
			fmt.Fprintln(w, "ok")
			return
		}
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintln(w, "no source has given a sample lately")
	for _, s := range st.Sources {
		if s.LastErr != "" {
			fmt.Fprintf(w, "%s: %s\n", s.Name, s.LastErr)
		}
	}
}

// serve answers on l until ctx ends; requests in flight get 2 s.
func (h *handler) serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	stopped := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
	})
	defer stopped()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve /metrics: %w", err)
	}
	return nil
}
