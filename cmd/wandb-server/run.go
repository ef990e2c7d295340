package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// Exit statuses.
const (
	exitDone  = 0
	exitFault = 1
	exitUsage = 2
)

// closeTimeout is how long requests under way may take at the end.
const closeTimeout = 5 * time.Second

// run is the whole program. It serves until ctx ends and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		return exitUsage
	}
	if err := serve(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "wandb-server:", err)
		return exitFault
	}
	return exitDone
}

// serve opens the directory, prints where it listens and answers until ctx ends.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	so := server.Options{Dir: o.dir, Entity: o.entity, BaseURL: o.baseURL, Logger: slog.New(slog.NewTextHandler(stderr, nil))}
	if so.Key, err = readKey(o.keyFile); err != nil {
		return err
	}
	if o.verbose {
		so.Record = func(r server.Request) {
			so.Logger.Info("request", "method", r.Method, "path", r.Path, "operation", r.Operation, "bytes", r.Bytes, "status", r.Status)
		}
	}
	s, err := server.Open(so)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	h, err := withFaults(s, o.faults)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "http://%s\n", l.Addr())
	return answer(ctx, l, h)
}

// withFaults puts the faults of a script in front of h; without one it is h.
func withFaults(h http.Handler, script string) (http.Handler, error) {
	if script == "" {
		return h, nil
	}
	text, err := os.ReadFile(script)
	if err != nil {
		return nil, fmt.Errorf("read faults: %w", err)
	}
	rules, err := faults.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read faults %s: %w", script, err)
	}
	return faults.New(h, rules...), nil
}

// answer serves a listener until ctx ends, then lets requests under way end.
func answer(ctx context.Context, l net.Listener, h http.Handler) error {
	hs := &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- hs.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err := hs.Shutdown(last)
	if err != nil {
		err = errors.Join(err, hs.Close())
	}
	<-ended
	return err
}
