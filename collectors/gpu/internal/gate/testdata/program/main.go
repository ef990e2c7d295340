// Program calls NVML through the gate: the smallest program that shows whether
// a way of linking works. Its argument is the library to open.
package main

import (
	"fmt"
	"os"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/wandb-agent/wandb-agent/collectors/gpu/internal/gate"
)

func main() {
	path := os.Args[1]
	if err := gate.Open(path); err != nil {
		fmt.Println(err)
	}
	lib := nvml.New(nvml.WithLibraryPath(path))
	lib.Init()
	n, answer := lib.DeviceGetCount()
	fmt.Println("count", n, uint32(answer))
	if n > 0 {
		device, _ := lib.DeviceGetHandleByIndex(0)
		name, answer := device.GetName()
		fmt.Println("name", name, uint32(answer))
	}
	gate.Close(func() { lib.Shutdown() })
	_, answer = lib.DeviceGetCount()
	fmt.Println("closed", uint32(answer))
}
