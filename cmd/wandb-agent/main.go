// Command wandb-agent puts a program's own numbers and the numbers of the
// hardware under it on one timeline. See README.md, or run it with --help.
//
//	main ─▶ Main(args, streams) ─▶ root ─┬▶ run      agent ─▶ /metrics, OTLP
//	          exit code ◀── code(err) ◀──┤▶ exec     keeper ─▶ CMD, and worker ─▶ runapi
//	                                     ├▶ attach   pidwatch, runapi
//	                                     ├▶ once, doctor     an agent for one tick
//	                                     └▶ show, export     runlog ─▶ text, JSON, CSV
//
// A file per subcommand. Commands get their streams from cli and return errors;
// only main ends the process. docs/cli.md is the reference.
package main

import "os"

func main() {
	os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
