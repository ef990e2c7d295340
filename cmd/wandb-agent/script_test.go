package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// quickExit keeps the race detector from sleeping for a second at the end of each
// process.
const quickExit = "atexit_sleep_ms=0"

// TestMain lets scripts and tests call wandb-agent: the test binary plays the
// program, and under the name part every other process of a test.
func TestMain(m *testing.M) {
	os.Setenv("GORACE", quickExit)
	if os.Getenv("WANDB_MODE") == "" {
		os.Setenv("WANDB_MODE", "offline") // nothing is sent because of a key on this machine
	}
	testscript.Main(m, map[string]func(){
		"wandb-agent": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"fetch":       fetch,
		"part":        playPart,
	})
}

// fetch prints what a URL answers; exit 1 unless that is 200.
func fetch() {
	resp, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer resp.Body.Close()
	io.Copy(os.Stdout, resp.Body)
	if resp.StatusCode != http.StatusOK {
		os.Exit(1)
	}
}

// TestScripts runs testdata/script/*.txtar; -update rewrites what they expect.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("WANDB_DIR", "")
			env.Setenv("WANDB_MODE", "offline")
			env.Setenv("GORACE", quickExit)
			env.Setenv("ACCOUNTS", accounts(t))
			url := provingServer(t)
			env.Setenv("SERVER", url)
			env.Setenv("STORED", strings.Replace(url, "://", "://api:"+testKey+"@", 1)+"/proof/runs/local")
			return nil
		},
	})
}
