//go:build linux && cgo && !nonvml

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/collectors/gpu/gputest"
)

// fakeSMI is a program that prints the captured answer with one text replaced.
func fakeSMI(t *testing.T, old, new string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/fixed.xml")
	if err != nil {
		t.Fatal(err)
	}
	if old != "" && !strings.Contains(string(text), old) {
		t.Fatalf("the captured answer has no %q", old)
	}
	dir := t.TempDir()
	answer := filepath.Join(dir, "answer.xml")
	if err := os.WriteFile(answer, []byte(strings.ReplaceAll(string(text), old, new)), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "nvidia-smi")
	script := "#!/bin/sh\n[ \"$*\" = \"-q -x\" ] || exit 9\ncat '" + answer + "'\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return program
}

// gpuCheck runs the program on the stand-in and returns its status and output.
func gpuCheck(t *testing.T, lib *gputest.Library, smi string) (int, string) {
	t.Helper()
	var out, problems strings.Builder
	status := run(t.Context(), []string{"-library", lib.Path, "-nvidia-smi", smi, "-rounds", "1", "-warm", "0s"}, &out, &problems)
	return status, out.String() + problems.String()
}

func fixed(t *testing.T) *gputest.Library {
	t.Helper()
	lib := gputest.Build(t, t.TempDir())
	lib.GPUs(1)
	lib.State(0, gputest.Fixed)
	return lib
}

func TestEqualNumbersPass(t *testing.T) {
	status, out := gpuCheck(t, fixed(t), fakeSMI(t, "", ""))
	if status != exitEqual {
		t.Errorf("status %d, want 0:\n%s", status, out)
	}
	for _, words := range []string{"driver 580.01, CUDA 13.0, 1 GPUs", "SIMULATED", "memory total MiB", "81920", "cost of driver calls", "GetFieldValues", "load:"} {
		if !strings.Contains(out, words) {
			t.Errorf("output lacks %q:\n%s", words, out)
		}
	}
	if strings.Count(out, "ok\n") < 13 {
		t.Errorf("fewer than 13 good rows:\n%s", out)
	}
}

func TestDifferencesFail(t *testing.T) {
	for _, tt := range []struct{ old, new, words string }{
		{"<used>20480 MiB", "<used>20490 MiB", "DIFFERENT"},
		{"<gpu_temp>60 C", "<gpu_temp>64 C", "DIFFERENT"},
		{"<current_power_limit>500.00", "<current_power_limit>400.00", "DIFFERENT"},
		{"GPU-51d00000-0000-4000-8000-000000000000", "GPU-another", "we do not see it"},
	} {
		status, out := gpuCheck(t, fixed(t), fakeSMI(t, tt.old, tt.new))
		if status != exitDifferent || !strings.Contains(out, tt.words) {
			t.Errorf("%s: status %d, want 1 and %q:\n%s", tt.new, status, tt.words, out)
		}
	}
}

func TestNumberMissingOnOurSideFails(t *testing.T) {
	lib := fixed(t)
	lib.Answer(0, "DeviceGetUtilizationRates", 3)
	status, out := gpuCheck(t, lib, fakeSMI(t, "", ""))
	if status != exitDifferent || !strings.Contains(out, "we have none") {
		t.Errorf("status %d, want 1:\n%s", status, out)
	}
	status, out = gpuCheck(t, lib, fakeSMI(t, "<gpu_util>50 %</gpu_util>", "<gpu_util>N/A</gpu_util>"))
	if status != exitDifferent { // the memory access share is still theirs alone
		t.Errorf("status %d, want 1:\n%s", status, out)
	}
}

func TestNumberMissingOnTheirSidePasses(t *testing.T) {
	status, out := gpuCheck(t, fixed(t), fakeSMI(t, "70 C", "N/A"))
	if status != exitEqual || !strings.Contains(out, "nvidia-smi has none") {
		t.Errorf("status %d, want 0:\n%s", status, out)
	}
}

func TestNoDriverAndNoProgram(t *testing.T) {
	var out, problems strings.Builder
	if status := run(t.Context(), []string{"-library", filepath.Join(t.TempDir(), "none.so")}, &out, &problems); status != exitNoDriver {
		t.Errorf("no driver: status %d, want 3", status)
	}
	if !strings.Contains(out.String(), "no NVIDIA driver library") {
		t.Errorf("no driver: output %q", out.String())
	}
	if status, text := gpuCheck(t, fixed(t), filepath.Join(t.TempDir(), "nvidia-smi")); status != exitDifferent || !strings.Contains(text, "run ") {
		t.Errorf("no nvidia-smi: status %d, want 1:\n%s", status, text)
	}
	if status := run(t.Context(), []string{"-rounds", "0"}, &out, &problems); status != exitUsage {
		t.Errorf("no rounds: status %d, want 2", status)
	}
}
