// Command wandb-agent puts a program's own numbers and the numbers of the
// hardware under it on one timeline. See README.md, or run it with --help.
package main

import "os"

func main() {
	os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
