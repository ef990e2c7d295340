// Package gputest drives the NVML stand-in of testdata/nvml-standin from
// tests: it builds the library with the C compiler and writes the control file
// that scripts its devices while it runs.
//
//	lib := gputest.Build(t, t.TempDir())
//	lib.State(1, gputest.Lost)
//	lib.Delay(0, "DeviceGetUtilizationRates", time.Minute)
//	... gpu.New(gpu.Config{Library: lib.Path}) ...
//	lib.Calls(0)
//
// It is for tests only: it starts the compiler.
package gputest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// OldDriver lists the functions that a driver of some years ago lacks, in the
// form Build takes. The older forms of the same calls stay.
var OldDriver = []string{
	"nvmlDeviceGetMemoryInfo_v2",
	"nvmlDeviceGetTemperatureV",
	"nvmlDeviceGetCurrentClocksEventReasons",
	"nvmlDeviceGetFieldValues",
	"nvmlDeviceGetComputeRunningProcesses_v3",
	"nvmlDeviceGetGraphicsRunningProcesses_v3",
}

// Source returns the directory of the stand-in's C files.
func Source() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "testdata", "nvml-standin")
}

// Build compiles the stand-in into dir as libnvidia-ml.so.1, without the
// functions named in drop, and makes its control file. The test is skipped
// where there is no C compiler.
func Build(t testing.TB, dir string, drop ...string) *Library {
	t.Helper()
	path := filepath.Join(dir, "libnvidia-ml.so.1")
	var defines []string
	for _, name := range drop {
		defines = append(defines, "-D"+name+"=left_out_"+name)
	}
	Compile(t, path, defines...)
	return control(t, path)
}

// Compile compiles the stand-in to path with extra compiler flags. The file
// appears complete or not at all, as a package manager replaces a library.
func Compile(t testing.TB, path string, flags ...string) {
	t.Helper()
	args := append([]string{"-shared", "-fPIC", "-O1", "-Wall", "-Werror",
		"-Wl,-soname,libnvidia-ml.so.1", "-o", path + ".new"}, flags...)
	args = append(args, filepath.Join(Source(), "standin.c"), "-ldl", "-lm")
	gcc(t, args...)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Sizes compiles and runs the program that prints the stand-in's structures,
// and returns its output: a name and a size in bytes on each line.
func Sizes(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "sizes")
	gcc(t, "-DPRINT_SIZES", "-o", program, filepath.Join(Source(), "standin.c"), "-ldl", "-lm")
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatalf("run %s: %v", program, err)
	}
	return string(out)
}

func gcc(t testing.TB, args ...string) {
	t.Helper()
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc to build the NVML stand-in with")
	}
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %v: %v\n%s", args, err, out)
	}
}
