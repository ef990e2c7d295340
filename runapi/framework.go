package runapi

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strconv"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/rank"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// frameworks are shared objects by which what trains is known, the most telling
// first: others load parts of them.
var frameworks = []struct{ object, name string }{
	{"/libtorch_cpu.so", "torch"}, {"/libtorch.so", "torch"}, {"/libtensorflow_framework.so", "tensorflow"}, {"/libtensorflow_cc.so", "tensorflow"},
	{"/jaxlib/", "jax"}, {"/lib_lightgbm.so", "lightgbm"}, {"/libxgboost.so", "xgboost"}, {"/libpaddle.so", "paddle"}, {"/libonnxruntime.so", "onnxruntime"},
}

// maxMaps bounds what is read of a process's memory map.
const maxMaps = 16 << 20

// frameworkTries is how often a process is looked at, with restageEvery between:
// training frameworks are loaded in the first minutes or not at all.
const frameworkTries = 24

// Environment is what the run knows of the program's surroundings. It is in
// wandb-metadata.json and goes nowhere else; Settings.DisableMeta keeps it out.
type Environment struct {
	Framework string // what trains: torch, jax, tensorflow, ...; "" as long as none was seen
	Launcher  string // what started the program: torchrun, slurm, ...; see rank.Launcher
}

// Environment returns what was found of framework and launcher. The framework is
// known by the shared objects that the followed process has loaded, seconds after
// it did; nothing of the process is run for it.
func (r *Run) Environment() Environment {
	if r == nil || r.off {
		return Environment{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return Environment{r.state.Environment.GetFramework(), r.state.Environment.GetLauncher()}
}

// launcher names what started the program.
func (r *Run) launcher() string { return rank.Launcher(environMap(r.set.Environ)) }

// findFramework looks for a framework in the followed process, and says whether to
// look again. n counts the tries.
func (r *Run) findFramework(n int) (again bool) {
	if r.set.DisableMeta || n >= frameworkTries {
		return false
	}
	f, err := os.Open("/proc/" + strconv.Itoa(r.set.PID) + "/maps")
	if err != nil {
		return false // no Linux, gone, or another user's
	}
	defer f.Close()
	name := frameworkIn(io.LimitReader(f, maxMaps))
	if name == "" {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.finished {
		r.logError("framework not stored", r.storeEnvironment(&wandbpb.EnvironmentRecord{Framework: name}))
	}
	return false
}

// frameworkIn reads a memory map; "" when no framework is in it.
func frameworkIn(maps io.Reader) string {
	best := len(frameworks)
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		for i, f := range frameworks[:best] {
			if bytes.Contains(lines.Bytes(), []byte(f.object)) {
				best = i
				break
			}
		}
	}
	if best == len(frameworks) {
		return ""
	}
	return frameworks[best].name
}
