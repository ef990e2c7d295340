//go:build !bare

// Command train trains a small network on hand-written digits and logs it as a
// run: loss and accuracy of every step, validation of every epoch, console,
// config, and the hardware beside. It needs no account and no network.
//
//	go run ./examples/train
package main

import (
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }
