package upload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/console"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Names of the files that an upload makes of the log itself.
const (
	configFile   = "config.yaml"
	summaryFile  = "wandb-summary.json"
	metadataFile = "wandb-metadata.json"
)

// runFiles are the files beside the log. Those that can be made of the log are
// made of it, in a directory of their own: a log that was cut off, or that
// another program wrote, has none or old ones.
type runFiles struct {
	u      *Uploader
	work   string // directory of the files that are made
	text   *console.Text
	output *os.File
	name   string // of the console file at the server

	mu     sync.Mutex // guards what follows
	stored []string   // at the server, to be told in the file stream
	count  Tally
}

func openRunFiles(u *Uploader, w *wandbpb.Writer) (*runFiles, error) {
	work, err := os.MkdirTemp(u.o.TempDir, "wandb-agent-upload-")
	if err != nil {
		return nil, fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, err)
	}
	r := &runFiles{u: u, work: work, name: console.FileName(w.GetLabel())}
	if r.output, err = os.Create(filepath.Join(work, "output.log")); err != nil {
		os.RemoveAll(work)
		return nil, fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, err)
	}
	r.text = console.NewText(r.output)
	return r, nil
}

func (r *runFiles) close() {
	r.output.Close()
	os.RemoveAll(r.work)
}

func (r *runFiles) add(rec *wandbpb.FilesRecord) {}

func (r *runFiles) tally() Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// news says whether there are stored files to tell of.
func (r *runFiles) news() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.stored) > 0
}

func (r *runFiles) takeStored() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := r.stored
	r.stored = nil
	return names
}

func (r *runFiles) giveBack(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored = append(r.stored, names...)
}

// finish sends the files of the end of a run.
func (r *runFiles) finish(ctx context.Context) error {
	names, err := r.make()
	if err != nil {
		return fmt.Errorf("upload run %s: %w", r.u.o.Dir.RunID, err)
	}
	if len(names) == 0 {
		return nil
	}
	id := r.u.Identity()
	urls, err := r.u.o.Client.CreateRunFiles(ctx, id.Entity, id.Project, id.RunID, names)
	if err != nil {
		return fmt.Errorf("upload run %s: %w", id.RunID, err)
	}
	for _, name := range names {
		path := filepath.Join(r.work, name)
		if name == r.name {
			path = r.output.Name()
		}
		if err := r.put(ctx, urls.URLs[name], urls.Headers, path); err != nil {
			return fmt.Errorf("upload run %s: file %s: %w", id.RunID, name, err)
		}
		r.giveBack([]string{name})
	}
	return nil
}

func (r *runFiles) put(ctx context.Context, url string, headers []string, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = r.u.o.Client.Put(ctx, url, headers, f, st.Size())
	return err
}

// make writes the files that are made of the log and returns their names.
func (r *runFiles) make() (names []string, err error) {
	f := r.u.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	err = f.screen.Sync()
	if f.screen.Counts().Lines > 0 {
		names = append(names, r.name)
	}
	if f.second {
		return names, err
	}
	write := func(name string, text []byte, bad error) {
		if err = errors.Join(err, bad); bad == nil {
			err = errors.Join(err, os.WriteFile(filepath.Join(r.work, name), text, 0o600))
			names = append(names, name)
		}
	}
	write(configFile, runconfig.AppendYAML(nil, f.wireConfig(r.u.pos)), nil)
	summary, bad := xjson.AppendValue(nil, f.state.Summary())
	write(summaryFile, summary, bad)
	if f.state.Environment != nil {
		text, bad := protojson.MarshalOptions{Multiline: true, Indent: "  "}.Marshal(f.state.Environment)
		write(metadataFile, append(text, '\n'), bad)
	}
	return names, err
}
