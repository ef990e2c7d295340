package runapi

import (
	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/pyclient"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// maxSaid is how much console text is kept to look for an address in, bytes.
const maxSaid = 64 << 10

// consoleTail reads what the command of exec prints, out of the parts of the
// run.
type consoleTail struct {
	dir   *runlog.Dir
	tails map[string]*runlog.Tail
	text  []byte
}

// find looks for the address of a run.
func (c *consoleTail) find(id string) (entity, project string, ok bool) {
	parts, err := c.dir.Parts()
	if err != nil {
		return "", "", false
	}
	for name, path := range parts {
		if c.tails[name] == nil {
			tail, err := runlog.OpenTail(path)
			if err != nil {
				continue
			}
			if c.tails == nil {
				c.tails = map[string]*runlog.Tail{}
			}
			c.tails[name] = tail
		}
		c.read(c.tails[name])
	}
	entity, project, ok = pyclient.RunPath(c.text, id)
	if over := len(c.text) - maxSaid; over > 0 {
		c.text = append(c.text[:0], c.text[over:]...)
	}
	return entity, project, ok
}

func (c *consoleTail) read(tail *runlog.Tail) {
	for {
		payload, err := tail.Next()
		if err != nil {
			return
		}
		rec := new(wandbpb.Record)
		if proto.Unmarshal(payload, rec) == nil {
			c.text = append(c.text, rec.GetOutputRaw().GetLine()...)
		}
	}
}

func (c *consoleTail) close() {
	for _, tail := range c.tails {
		tail.Close()
	}
	c.tails = nil
}
