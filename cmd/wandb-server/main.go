// Command wandb-server runs the W&B server of package server on its own.
//
//	wandb-server --dir DIR [--listen ADDR] [--entity NAME] [--key-file FILE] [--faults FILE]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "wandb-server:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := flag.String("dir", "", "directory that keeps everything (required)")
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	entity := flag.String("entity", server.DefaultEntity, "name of the only user")
	keyFile := flag.String("key-file", "", "file with the only API key that is accepted (default: any of 40 characters)")
	script := flag.String("faults", "", "JSON file of requests to fail and how, as package faults reads it")
	flag.Parse()
	o := server.Options{Dir: *dir, Entity: *entity, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if *keyFile != "" {
		text, err := os.ReadFile(*keyFile)
		if err != nil {
			return err
		}
		o.Key = strings.TrimSpace(string(text))
	}
	s, err := server.Open(o)
	if err != nil {
		return err
	}
	defer s.Close()
	h, err := withFaults(s, *script)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	return serve(l, h)
}

// withFaults puts the faults of a script before h.
func withFaults(h http.Handler, script string) (http.Handler, error) {
	if script == "" {
		return h, nil
	}
	text, err := os.ReadFile(script)
	if err != nil {
		return nil, err
	}
	rules, err := faults.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", script, err)
	}
	return faults.New(h, rules...), nil
}

// serve answers until SIGINT or SIGTERM.
func serve(l net.Listener, h http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	hs := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		hs.Shutdown(late)
	}()
	if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
