package runapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// note is the smallest kind of media: a text in a file.
type note struct {
	text string
	err  error  // of writing the file
	do   func() // while the file is written
}

func (n note) StoreMedia(dst media.Store) (media.Object, error) {
	object, err := dst.Put(media.File{Dir: "notes", Ext: ".txt", Write: func(w io.Writer) error {
		if n.do != nil {
			n.do()
		}
		_, err := io.WriteString(w, n.text)
		return errors.Join(err, n.err)
	}})
	if err != nil {
		return nil, err
	}
	if run, ok := dst.(media.RunStore); ok {
		run.Describe([]string{"notes", run.Key()}, n.text)
	}
	object["_type"] = "note"
	return object, nil
}

// mediaKillDir makes the test binary a program that logs media until it is
// killed.
const mediaKillDir = "WANDB_AGENT_TEST_MEDIA_DIR"

// mediaProgram logs media as rows and as parts of a step, and says on w which
// were acknowledged.
func mediaProgram(dir string, w io.Writer) int {
	r, err := Init(context.Background(), Settings{Dir: dir, Mode: ModeOffline, Project: "p", DisableGit: true, DisableStats: true, Environ: []string{}})
	if err != nil {
		return 1
	}
	for i := 0; ; i++ {
		var opts []LogOption
		if i%3 == 1 {
			opts = append(opts, NoCommit())
		}
		key := "k" + strconv.Itoa(i)
		if r.Log(map[string]any{key: note{text: strings.Repeat(key, 1000)}}, opts...) != nil {
			return 1
		}
		if _, err := fmt.Fprintln(w, i); err != nil {
			return 1
		}
	}
}
