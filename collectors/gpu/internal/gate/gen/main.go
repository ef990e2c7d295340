// Command gen writes names.h: the NVML functions that the pinned go-nvml
// leaves undefined, one line each, in alphabetical order.
//
//	go generate ./collectors/gpu/internal/gate
package main

import (
	"fmt"
	"os"

	"github.com/wandb-agent/wandb-agent/collectors/gpu/internal/gate/gen/names"
)

func main() {
	if err := run("names.h"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	dir, err := names.ModuleDir()
	if err != nil {
		return err
	}
	list, err := names.Used(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(path, names.Header(list), 0o644)
}
