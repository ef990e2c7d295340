// Package rank tells which place a process has among those that a launcher
// started together, from the variables that the launcher set.
//
//	environment ─ Of ─▶ Place{Rank, World, Local, Node} ─ Label ─▶ "rank-3"
//
// It knows torchrun and its relatives (RANK), Slurm (SLURM_PROCID), Open MPI
// and PMI. It reads no environment itself and asks nobody.
package rank

import "strconv"

// Place is where a process stands among those started together.
type Place struct {
	Rank  int // among all, from 0
	World int // how many there are; 0 is not known
	Local int // among those on its machine, from 0; -1 is not known
	Node  int // of its machine, from 0; -1 is not known
}

// A launcher is the variables in which one kind of launcher says the place.
type launcher struct{ rank, world, local, node string }

// launchers stand in the order in which they are asked: the innermost first,
// since torchrun is often started by Slurm, once per node.
var launchers = []launcher{
	{"RANK", "WORLD_SIZE", "LOCAL_RANK", "GROUP_RANK"},
	{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_NODE_RANK"},
	{"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", ""},
	{"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NODEID"},
}

// Of returns the place that environ tells. False when no launcher set it, when
// there is one process only, or when the numbers make no sense.
func Of(environ map[string]string) (Place, bool) {
	for _, l := range launchers {
		r, ok := number(environ, l.rank)
		if !ok {
			continue
		}
		p := Place{Rank: r, Local: -1, Node: -1}
		if n, ok := number(environ, l.world); ok {
			p.World = n
		}
		if n, ok := number(environ, l.local); ok {
			p.Local = n
		}
		if n, ok := number(environ, l.node); ok {
			p.Node = n
		} else if n, ok := number(environ, "SLURM_NODEID"); ok {
			p.Node = n
		}
		return p, p.World != 1 && (p.World == 0 || p.Rank < p.World)
	}
	return Place{}, false
}

// number reads a variable that holds a number from 0.
func number(environ map[string]string, name string) (int, bool) {
	n, err := strconv.ParseUint(environ[name], 10, 31)
	return int(n), name != "" && err == nil
}

// Label is the name of the place in metric keys and console lines: rank-3.
func (p Place) Label() string { return "rank-" + strconv.Itoa(p.Rank) }
