package gpu

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// visibility is what a process's environment says about its GPUs: the only
// variables that are taken from it.
type visibility struct {
	nvidia  string // NVIDIA_VISIBLE_DEVICES; "" also when unset
	cuda    string // CUDA_VISIBLE_DEVICES
	cudaSet bool   // an empty CUDA_VISIBLE_DEVICES hides all GPUs, an unset one none
	byPCI   bool   // CUDA_DEVICE_ORDER=PCI_BUS_ID
}

// readVisibility reads the environment that a process was started with. The
// rest of the environment, which may hold secrets, is overwritten before it
// returns.
func readVisibility(proc string, pid int) (visibility, error) {
	text, err := os.ReadFile(proc + "/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return visibility{}, err
	}
	defer clear(text)
	return parseVisibility(text), nil
}

func parseVisibility(environ []byte) visibility {
	var v visibility
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		name, value, _ := bytes.Cut(entry, []byte{'='})
		switch string(name) {
		case "NVIDIA_VISIBLE_DEVICES":
			v.nvidia = string(value)
		case "CUDA_VISIBLE_DEVICES":
			v.cuda, v.cudaSet = string(value), true
		case "CUDA_DEVICE_ORDER":
			v.byPCI = string(value) == "PCI_BUS_ID"
		}
	}
	return v
}

// gpus tells which of the GPUs that the library shows here the process can
// use; known is false when the variables do not tell.
func (v visibility) gpus(all []sample.GPU) (visible []bool, known bool) {
	visible = make([]bool, len(all))
	if !v.container(all, visible) || !v.process(all, visible) {
		return nil, false
	}
	return visible, true
}

// container marks what NVIDIA_VISIBLE_DEVICES gives the container. Its numbers
// are those of the machine. The library usually shows a container only what it
// was given, numbered from 0: as many entries as GPUs are all of them, and
// numbers mean something only where the library shows more.
func (v visibility) container(all []sample.GPU, visible []bool) bool {
	list := strings.Split(v.nvidia, ",")
	switch {
	case v.nvidia == "none":
		return true
	case v.nvidia == "" || v.nvidia == "all" || v.nvidia == "void" || len(list) == len(all):
		for i := range visible {
			visible[i] = true
		}
		return true
	}
	for _, entry := range list {
		number, _, _ := strings.Cut(entry, ":") // a MIG device as GPU:instance
		if i, found := position(number, all); found {
			visible[i] = true
		} else {
			return false
		}
	}
	return true
}

// process takes away what CUDA_VISIBLE_DEVICES hides. Its numbers count the
// GPUs of the container, in an order that is NVML's only when asked for or when
// all are of one model. CUDA ignores the list from the first bad entry on.
func (v visibility) process(all []sample.GPU, visible []bool) bool {
	if !v.cudaSet {
		return true
	}
	given, places := shown(all, visible)
	clear(visible)
	for entry := range strings.SplitSeq(v.cuda, ",") {
		entry = strings.TrimSpace(entry)
		if strings.HasPrefix(entry, "MIG-") && !strings.HasPrefix(entry, "MIG-GPU-") && len(given) != 1 {
			return false // which GPU this instance is on is not said
		}
		i, found := position(entry, given)
		if !found {
			return true
		}
		if !v.byPCI && isNumber(entry) && !oneModel(given) {
			return false
		}
		visible[places[i]] = true
	}
	return true
}

// shown returns the visible GPUs and where they stand among all.
func shown(all []sample.GPU, visible []bool) (given []sample.GPU, places []int) {
	for i, is := range visible {
		if is {
			given, places = append(given, all[i]), append(places, i)
		}
	}
	return given, places
}

// position finds the GPU that a list entry means: its number, the start of its
// UUID that no other has, or a MIG device of it.
func position(entry string, gpus []sample.GPU) (int, bool) {
	if isNumber(entry) {
		i, err := strconv.Atoi(entry)
		return i, err == nil && i < len(gpus)
	}
	entry, old := strings.CutPrefix(entry, "MIG-")
	if old && !strings.HasPrefix(entry, "GPU-") {
		return 0, len(gpus) == 1
	}
	uuid, _, _ := strings.Cut(entry, "/") // MIG-GPU-uuid/gi/ci
	if !strings.HasPrefix(uuid, "GPU-") {
		return 0, false
	}
	at, matches := 0, 0
	for i := range gpus {
		if strings.HasPrefix(gpus[i].UUID, uuid) {
			at, matches = i, matches+1
		}
	}
	return at, matches == 1
}

func isNumber(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

func oneModel(gpus []sample.GPU) bool {
	for i := range gpus {
		if gpus[i].Name != gpus[0].Name {
			return false
		}
	}
	return true
}
