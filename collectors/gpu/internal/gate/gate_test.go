//go:build linux && cgo && !nonvml

package gate_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/wandb-agent/wandb-agent/collectors/gpu/gputest"
	"github.com/wandb-agent/wandb-agent/collectors/gpu/internal/gate"
	"github.com/wandb-agent/wandb-agent/collectors/gpu/internal/gate/gen/names"
)

func open(t *testing.T, path string) nvml.Interface {
	t.Helper()
	if err := gate.Open(path); err != nil {
		t.Fatal(err)
	}
	return nvml.New(nvml.WithLibraryPath(path))
}

// shut closes both go-nvml's hold on the library and the gate.
func shut(lib nvml.Interface) { gate.Close(func() { lib.Shutdown() }) }

func TestListMatchesPinnedModule(t *testing.T) {
	dir, err := names.ModuleDir()
	if err != nil {
		t.Skip(err)
	}
	used, err := names.Used(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("names.h")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, names.Header(used)) {
		t.Error("names.h is not what the pinned go-nvml uses: go generate ./collectors/gpu/internal/gate")
	}
}

func TestClosedGateAnswersFunctionNotFound(t *testing.T) {
	_, answer := nvml.DeviceGetCount()
	if answer != nvml.ERROR_FUNCTION_NOT_FOUND {
		t.Errorf("DeviceGetCount while closed: got %d, want 13", uint32(answer))
	}
	if answer := nvml.Shutdown(); answer != nvml.ERROR_FUNCTION_NOT_FOUND {
		t.Errorf("Shutdown while closed: got %d, want 13", uint32(answer))
	}
}

func TestOpenLeadsCallsToTheLibrary(t *testing.T) {
	std := gputest.Build(t, t.TempDir(), "nvmlDeviceGetName")
	before := gate.Missing()
	lib := open(t, std.Path)
	if answer := lib.Init(); answer != nvml.SUCCESS {
		t.Fatalf("Init: got %d", uint32(answer))
	}
	if n, answer := lib.DeviceGetCount(); answer != nvml.SUCCESS || n != 2 {
		t.Errorf("DeviceGetCount: got %d, %d, want 2, 0", n, uint32(answer))
	}
	device, answer := lib.DeviceGetHandleByIndex(0)
	if answer != nvml.SUCCESS {
		t.Fatalf("DeviceGetHandleByIndex: got %d", uint32(answer))
	}
	if _, answer := device.GetName(); answer != nvml.ERROR_FUNCTION_NOT_FOUND {
		t.Errorf("GetName, which the library lacks: got %d, want 13", uint32(answer))
	}
	if gate.Missing() >= before {
		t.Errorf("Missing: %d closed and %d open", before, gate.Missing())
	}
	if err := gate.Open(std.Path); !errors.Is(err, gate.ErrOpen) {
		t.Errorf("second Open: got %v, want ErrOpen", err)
	}
	shut(lib)
	if _, answer := device.GetUUID(); answer != nvml.ERROR_FUNCTION_NOT_FOUND {
		t.Errorf("GetUUID after Close: got %d, want 13", uint32(answer))
	}
	if gate.Missing() != before {
		t.Errorf("Missing after Close: got %d, want %d", gate.Missing(), before)
	}
}

func TestOpenFailureIsAnError(t *testing.T) {
	err := gate.Open(filepath.Join(t.TempDir(), "libnvidia-ml.so.1"))
	if err == nil || !strings.Contains(err.Error(), "libnvidia-ml.so.1") {
		t.Errorf("Open of no file: got %v", err)
	}
	broken := filepath.Join(t.TempDir(), "broken.so")
	if err := os.WriteFile(broken, []byte("\x7fELF, cut short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := gate.Open(broken); err == nil {
		t.Error("Open of a broken file: no error")
		gate.Close(nil)
	}
}

// TestReplacedLibraryIsReloaded replaces the file as a driver upgrade does,
// also with the Init of the old library having failed: go-nvml must not keep
// the old code mapped then either.
func TestReplacedLibraryIsReloaded(t *testing.T) {
	for _, initFails := range []bool{false, true} {
		std := gputest.Build(t, t.TempDir())
		if initFails {
			std.Answer(gputest.System, "Init", uint32(nvml.ERROR_LIB_RM_VERSION_MISMATCH))
		}
		lib := open(t, std.Path)
		answer := lib.Init()
		if (answer != nvml.SUCCESS) != initFails {
			t.Fatalf("first Init: got %d", uint32(answer))
		}
		if version, _ := lib.SystemGetDriverVersion(); version != "580.01" {
			t.Errorf("first version: got %q, want 580.01", version)
		}
		shut(lib)
		gputest.Compile(t, std.Path, "-DSTANDIN_DRIVER_MINOR=2")
		std.Answer(gputest.System, "Init", 0)

		lib = open(t, std.Path)
		if answer := lib.Init(); answer != nvml.SUCCESS {
			t.Fatalf("second Init: got %d", uint32(answer))
		}
		if version, _ := lib.SystemGetDriverVersion(); version != "580.02" {
			t.Errorf("version after the file was replaced (init failed %v): got %q, want 580.02", initFails, version)
		}
		shut(lib)
	}
}

// TestCallersWhileOpening has callers running while the gate opens: each sees
// 13 or the library's answer, nothing else. Run it under the race detector.
func TestCallersWhileOpening(t *testing.T) {
	std := gputest.Build(t, t.TempDir())
	stop, ended := make(chan struct{}), make(chan string, 4)
	for range cap(ended) {
		go func() {
			for {
				select {
				case <-stop:
					ended <- ""
					return
				default:
				}
				var version int
				version, answer := nvml.SystemGetCudaDriverVersion()
				if answer != 13 && (answer != 0 || version != 13000) {
					ended <- answer.String()
					return
				}
			}
		}()
	}
	lib := open(t, std.Path)
	close(stop)
	for range cap(ended) {
		if problem := <-ended; problem != "" {
			t.Errorf("a caller saw %s", problem)
		}
	}
	shut(lib)
}
