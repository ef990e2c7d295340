package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// options are the command line.
type options struct {
	dir     string
	listen  string
	keyFile string
	entity  string
	baseURL string
	faults  string
	verbose bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("wandb-server", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.dir, "dir", "", "directory that everything is kept in; made if need be")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	flags.StringVar(&o.keyFile, "key-file", "", "file with the only API key that is accepted (default: any key of 40 characters, on loopback only)")
	flags.StringVar(&o.entity, "entity", "", "entity of the user (default local)")
	flags.StringVar(&o.baseURL, "base-url", "", "what URLs for clients begin with (default: as the client wrote it)")
	flags.StringVar(&o.faults, "faults", "", "JSON file of requests to fail and how, as package faults reads it")
	flags.BoolVar(&o.verbose, "verbose", false, "write a line for each request")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	err := o.validate(flags.Args())
	if err != nil {
		fmt.Fprintln(stderr, "wandb-server:", err)
	}
	return o, err
}

func (o options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("argument %q is not known", rest[0])
	case o.dir == "":
		return errors.New("-dir is required")
	case o.keyFile == "" && !isLoopback(o.listen):
		return fmt.Errorf("-listen %s is not this machine alone: -key-file is required", o.listen)
	}
	return nil
}

// isLoopback says whether only this machine can connect to an address.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// readKey reads the API key; no file means no key.
func readKey(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read key: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if len(key) < 40 || strings.ContainsAny(key, " \t\n") {
		return "", fmt.Errorf("read key %s: a key is one word of 40 characters or more", path)
	}
	return key, nil
}
