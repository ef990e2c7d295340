// Command frompython has the examples of the Python client's reference
// documents written in Go. docs/from-python.md shows them beside the originals,
// interop/wandb runs both and compares the stored runs.
//
//	go run ./examples/frompython setup
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// examples are the functions of this program, by the name of the original. Each
// reads settings from the environment, as the originals do.
var examples = map[string]func(context.Context) error{
	"basic": basic, "setup": setup, "many": many, "active": active, "failed": failed, "group": group, "resume": resume, "rename": rename, "preempting": preempting,
	"config": config, "nestedconfig": nestedConfig, "flags": flags,
	"beforehand": beforehand, "defaults": defaults, "configfile": configFile, "exclude": exclude,
	"log": log, "incremental": incremental, "steps": steps, "nested": nested,
	"best": best, "sticky": sticky, "define": define,
	"alert": alert, "save": save, "restore": restore,
	"histogram": histogram, "pictures": pictures, "videofile": videoFile, "videoarray": videoArray, "chart": chart,
	"prcurve": prCurve, "object3d": object3D, "table": table, "plottable": plotTable, "tensor": tensor,
	"artifacts": artifacts, "artifactobject": artifactObject, "path": path, "distributed": distributed, "model": model, "linkmodel": linkModel, "code": code,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) < 2 || examples[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: frompython "+strings.Join(slices.Sorted(maps.Keys(examples)), "|"))
		os.Exit(2)
	}
	if err := examples[os.Args[1]](ctx); err != nil {
		fmt.Fprintln(os.Stderr, "frompython:", err)
		os.Exit(1)
	}
}
