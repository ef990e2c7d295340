package rank

import (
	"fmt"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	f := func(environ, want string) {
		t.Helper()
		env := map[string]string{}
		for kv := range strings.FieldsSeq(environ) {
			name, value, _ := strings.Cut(kv, "=")
			env[name] = value
		}
		p, ok := Of(env)
		got := "no"
		if ok {
			got = fmt.Sprintf("%s of %d, local %d, node %d", p.Label(), p.World, p.Local, p.Node)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", environ, got, want)
		}
	}
	f("", "no")
	f("HOME=/x", "no")
	f("RANK=3 WORLD_SIZE=8 LOCAL_RANK=1 GROUP_RANK=1", "rank-3 of 8, local 1, node 1")
	f("RANK=0 WORLD_SIZE=1", "no")
	f("RANK=8 WORLD_SIZE=8", "no")
	f("RANK=-1", "no")
	f("RANK=x SLURM_PROCID=2", "rank-2 of 0, local -1, node -1")
	f("RANK=5", "rank-5 of 0, local -1, node -1")
	f("SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_NODEID=2", "rank-5 of 8, local 1, node 2")
	f("SLURM_PROCID=0 SLURM_NTASKS=1", "no")
	// torchrun below Slurm, one task per node: torchrun knows the ranks.
	f("RANK=9 WORLD_SIZE=16 LOCAL_RANK=1 SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_LOCALID=0 SLURM_NODEID=1", "rank-9 of 16, local 1, node 1")
	f("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1", "rank-1 of 4, local 1, node -1")
	f("PMI_RANK=1 PMI_SIZE=4", "rank-1 of 4, local -1, node -1")
}
