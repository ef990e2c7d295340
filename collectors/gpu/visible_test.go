package gpu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// machine returns GPUs of the models, with UUIDs GPU-a..., GPU-b... and so on.
func machine(models ...string) []sample.GPU {
	gpus := make([]sample.GPU, len(models))
	for i, m := range models {
		letter := string(rune('a' + i))
		gpus[i] = sample.GPU{Name: m, UUID: "GPU-" + strings.Repeat(letter, 8) + "-0000"}
	}
	return gpus
}

func environ(vars ...string) []byte { return []byte(strings.Join(vars, "\x00") + "\x00") }

func TestVisibleGPUs(t *testing.T) {
	same := machine("H100", "H100", "H100", "H100")
	mixed := machine("H100", "T4")
	for _, tt := range []struct {
		gpus []sample.GPU
		env  string // variables, separated by a space
		want string // 0 or 1 per GPU; "?" when it is not known
	}{
		{same, "", "1111"},
		{same, "NVIDIA_VISIBLE_DEVICES=all", "1111"},
		{same, "NVIDIA_VISIBLE_DEVICES=void", "1111"},
		{same, "NVIDIA_VISIBLE_DEVICES=", "1111"},
		{same, "NVIDIA_VISIBLE_DEVICES=none", "0000"},
		{same, "NVIDIA_VISIBLE_DEVICES=1,3", "0101"},
		{same, "NVIDIA_VISIBLE_DEVICES=4,5,6,7", "1111"},
		{same, "NVIDIA_VISIBLE_DEVICES=7", "?"},
		{same, "NVIDIA_VISIBLE_DEVICES=2:0,2:1", "0010"},
		{same, "NVIDIA_VISIBLE_DEVICES=GPU-bbbbbbbb-0000", "0100"},
		{same, "NVIDIA_VISIBLE_DEVICES=GPU-zz", "?"},
		{same, "NVIDIA_VISIBLE_DEVICES=nvidia.com/gpu=0", "?"},
		{same, "CUDA_VISIBLE_DEVICES=", "0000"},
		{same, "CUDA_VISIBLE_DEVICES=-1", "0000"},
		{same, "CUDA_VISIBLE_DEVICES=NoDevFiles", "0000"},
		{same, "CUDA_VISIBLE_DEVICES=2", "0010"},
		{same, "CUDA_VISIBLE_DEVICES=3,1", "0101"},
		{same, "CUDA_VISIBLE_DEVICES=0,-1,1", "1000"},
		{same, "CUDA_VISIBLE_DEVICES=0,9,1", "1000"},
		{same, "CUDA_VISIBLE_DEVICES=GPU-c", "0010"},
		{same, "CUDA_VISIBLE_DEVICES=GPU-", "0000"},
		{same, "CUDA_VISIBLE_DEVICES=MIG-GPU-dddddddd-0000/1/0", "0001"},
		{same, "CUDA_VISIBLE_DEVICES=MIG-5a3e", "?"},
		{same[:1], "CUDA_VISIBLE_DEVICES=MIG-5a3e", "1"},
		{same, "NVIDIA_VISIBLE_DEVICES=1,3 CUDA_VISIBLE_DEVICES=1", "0001"},
		{same, "NVIDIA_VISIBLE_DEVICES=none CUDA_VISIBLE_DEVICES=0", "0000"},
		{mixed, "CUDA_VISIBLE_DEVICES=0", "?"},
		{mixed, "CUDA_VISIBLE_DEVICES=0 CUDA_DEVICE_ORDER=PCI_BUS_ID", "10"},
		{mixed, "CUDA_VISIBLE_DEVICES=0 CUDA_DEVICE_ORDER=FASTEST_FIRST", "?"},
		{mixed, "CUDA_VISIBLE_DEVICES=GPU-b", "01"},
		{mixed, "NVIDIA_VISIBLE_DEVICES=1 CUDA_VISIBLE_DEVICES=0", "01"},
		{nil, "CUDA_VISIBLE_DEVICES=0", ""},
	} {
		got := "?"
		if visible, known := parseVisibility(environ(strings.Split(tt.env, " ")...)).gpus(tt.gpus); known {
			got = ""
			for _, v := range visible {
				got += string("01"[int(boolean(v))])
			}
		}
		if got != tt.want {
			t.Errorf("%q on %d GPUs: got %q, want %q", tt.env, len(tt.gpus), got, tt.want)
		}
	}
}

func TestSpacesInList(t *testing.T) {
	visible, known := visibility{cuda: "0, 1", cudaSet: true}.gpus(machine("A", "A", "A"))
	if !known || !visible[0] || !visible[1] || visible[2] {
		t.Errorf("\"0, 1\": got %v, %v", visible, known)
	}
}

func TestOnlyThreeVariablesAreTaken(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "7"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := environ("WANDB_API_KEY=secret", "CUDA_VISIBLE_DEVICES=1", "NVIDIA_VISIBLE_DEVICES=all", "NOT_CUDA_DEVICE_ORDER=PCI_BUS_ID")
	if err := os.WriteFile(filepath.Join(dir, "7", "environ"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readVisibility(dir, 7)
	if err != nil || got != (visibility{nvidia: "all", cuda: "1", cudaSet: true}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := readVisibility(dir, 8); err == nil {
		t.Error("a process that is not there: no error")
	}
}

// FuzzVisibleGPUs: whatever the variables hold, the answer has one entry per
// GPU, and hiding more never shows more.
func FuzzVisibleGPUs(f *testing.F) {
	for _, seed := range []string{"", "all", "none", "void", "0", "0,1", "3,-1,2", "GPU-a", "MIG-GPU-a/1/0", "MIG-x", "1:0", "nvidia.com/gpu=all", "99999999999999999999", ",,", "\x00"} {
		f.Add(seed, seed, uint8(4), false)
	}
	f.Fuzz(func(t *testing.T, nvidia, cuda string, n uint8, byPCI bool) {
		gpus := machine(strings.Split(strings.Repeat("M", int(n%9)), "")...)
		given, known := visibility{nvidia: nvidia, byPCI: byPCI}.gpus(gpus)
		visible, both := visibility{nvidia: nvidia, cuda: cuda, cudaSet: true, byPCI: byPCI}.gpus(gpus)
		if known && len(given) != len(gpus) || both && (!known || len(visible) != len(gpus)) {
			t.Fatalf("%q, %q on %d GPUs: got %v, %v, %v, %v", nvidia, cuda, len(gpus), given, known, visible, both)
		}
		for i := range visible {
			if visible[i] && !given[i] {
				t.Errorf("%q, %q: GPU %d is shown although the container has it not", nvidia, cuda, i)
			}
		}
		env := environ("A=b", "NVIDIA_VISIBLE_DEVICES="+nvidia, "CUDA_VISIBLE_DEVICES="+cuda)
		if parsed := parseVisibility(env); !strings.ContainsRune(nvidia+cuda, 0) && (parsed.nvidia != nvidia || parsed.cuda != cuda || !parsed.cudaSet) {
			t.Errorf("%q: parsed as %+v", env, parsed)
		}
	})
}
