package media

import (
	"errors"
	"fmt"
	"io"

	"github.com/wandb-agent/wandb-agent/runapi/internal/mediajson"
)

// Graph is the structure of a model: its layers, and which feeds which.
type Graph struct {
	Nodes []Node
	Edges [][2]string // ids of two nodes
}

// Node is a layer of a model.
type Node struct {
	ID          string // once in a graph
	Name        string // ID when empty
	Class       string // such as Linear
	OutputShape []int  // 0 or less for what may vary
	Parameters  int64  // how many weights it has
	Output      bool   // it is the model's output
}

// StoreMedia stores the graph. Elsewhere than in a run it is ErrLoggedOnly.
func (g Graph) StoreMedia(dst Store) (Object, error) {
	if _, err := inRow(dst); err != nil {
		return nil, err
	}
	text, err := g.json()
	if err != nil {
		return nil, err
	}
	f := File{Dir: "graph", Ext: ".graph.json", Write: func(w io.Writer) error { _, err := w.Write(text); return err }}
	return stored{typ: "graph-file", file: f}.put(dst)
}

func (g Graph) json() ([]byte, error) {
	known := map[string]bool{}
	nodes, edges := make([]any, len(g.Nodes)), make([]any, len(g.Edges))
	for i, n := range g.Nodes {
		if n.ID == "" || known[n.ID] {
			return nil, fmt.Errorf("graph: id %q of node %d: want one that is no other node's", n.ID, i)
		}
		known[n.ID] = true
		nodes[i] = n.object()
	}
	for i, e := range g.Edges {
		if !known[e[0]] || !known[e[1]] {
			return nil, fmt.Errorf("graph: edge %d from %q to %q: want ids of nodes", i, e[0], e[1])
		}
		edges[i] = e[:]
	}
	if len(nodes) == 0 {
		return nil, errors.New("graph: it has no nodes")
	}
	return mediajson.Append(nil, Object{"format": "keras", "nodes": nodes, "edges": edges})
}

func (n Node) object() Object {
	o := Object{"id": n.ID, "name": n.Name}
	if n.Name == "" {
		o["name"] = n.ID
	}
	if n.Class != "" {
		o["class_name"] = n.Class
	}
	if n.OutputShape != nil {
		shape := make([]any, len(n.OutputShape))
		for i, d := range n.OutputShape {
			if d > 0 {
				shape[i] = d
			}
		}
		o["output_shape"] = shape
	}
	if n.Parameters > 0 {
		o["num_parameters"] = n.Parameters
	}
	if n.Output {
		o["is_output"] = true
	}
	return o
}

func (Graph) loggedOnly() {}
