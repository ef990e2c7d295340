//go:build linux && cgo && !nonvml

package gate_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/collectors/gpu/gputest"
)

// TestLinkModes builds a small program in each way that go-nvml alone does not
// survive, and runs it against the stand-in, against a library without most of
// its functions, and without a library.
func TestLinkModes(t *testing.T) {
	if testing.Short() {
		t.Skip("links four programs")
	}
	full := gputest.Build(t, t.TempDir())
	old := gputest.Build(t, t.TempDir(), append(gputest.OldDriver, "nvmlDeviceGetName")...)
	modes := []struct {
		name  string
		args  []string
		loads bool
	}{
		{"default", nil, true},
		{"now", []string{"-ldflags", `-linkmode external -extldflags "-Wl,-z,now"`}, true},
		{"pie", []string{"-buildmode=pie"}, true},
		{"static", []string{"-ldflags", `-linkmode external -extldflags "-static"`}, false},
	}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "program")
			build(t, program, mode.args)
			want := map[string]string{full.Path: "count 2 0\nname SIMULATED GPU (NVML stand-in) 0\nclosed 13\n",
				old.Path: "count 2 0\nname  13\nclosed 13\n"}
			for path, text := range want {
				if !mode.loads {
					text = "open " + path + ": program is statically linked\ncount 0 13\nclosed 13\n"
				}
				if got := output(t, program, path); got != text {
					t.Errorf("with %s:\ngot  %q\nwant %q", path, got, text)
				}
			}
			if got := output(t, program, "libno-such.so"); !strings.HasSuffix(got, "count 0 13\nclosed 13\n") {
				t.Errorf("without a library: got %q", got)
			}
		})
	}
}

func build(t *testing.T, program string, args []string) {
	t.Helper()
	args = append(append([]string{"build", "-o", program}, args...), "./testdata/program")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
}

func output(t *testing.T, program, library string) string {
	t.Helper()
	out, err := exec.Command(program, library).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v", program, library, err)
	}
	return string(out)
}
