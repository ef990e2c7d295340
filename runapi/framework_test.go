package runapi

import (
	"os"
	"strings"
	"testing"
)

func TestFrameworkIn(t *testing.T) {
	const line = "7f00-7f10 r-xp 00000000 08:01 123 /opt/lib/python3/site-packages"
	for want, maps := range map[string]string{
		"":           line + "/numpy/libopenblas.so\n",
		"torch":      line + "/onnx/libonnxruntime.so.1\n" + line + "/torch/lib/libtorch_cpu.so\n" + line + "/jaxlib/xla.so\n",
		"jax":        line + "/jaxlib/xla_extension.so\n",
		"tensorflow": line + "/tensorflow/libtensorflow_framework.so.2\n",
	} {
		if got := frameworkIn(strings.NewReader(maps)); got != want {
			t.Errorf("got %q, want %q in:\n%s", got, want, maps)
		}
	}
}

// FuzzFrameworkIn: any text is read to its end.
func FuzzFrameworkIn(f *testing.F) {
	f.Add("")
	f.Add("/jaxlib/\x00\n")
	f.Fuzz(func(t *testing.T, text string) {
		if name := frameworkIn(strings.NewReader(text)); name != "" && !strings.Contains(text, ".so") && !strings.Contains(text, "/jaxlib/") {
			t.Errorf("found %q in %q", name, text)
		}
	})
}

// TestLauncherIsInTheMetadata, unless metadata is off.
func TestLauncherIsInTheMetadata(t *testing.T) {
	for _, off := range []bool{false, true} {
		s := quiet(t)
		s.Environ, s.DisableMeta = []string{"TORCHELASTIC_RUN_ID=7", "SLURM_JOB_ID=1"}, off
		r := start(t, s)
		text, err := os.ReadFile(r.FilesDir() + "/" + metadataFile)
		if has := strings.Contains(string(text), "torchrun"); has == off || (err != nil) != off || (r.Environment().Launcher == "torchrun") == off {
			t.Errorf("off %v: %v, launcher %q, metadata:\n%s", off, err, r.Environment().Launcher, text)
		}
		if off == r.findFramework(0) {
			t.Errorf("off %v: looks for a framework: %v", off, !off)
		}
	}
}
