package upload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/console"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/runfiles"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Names of the files that an upload makes of the log itself.
const (
	configFile   = "config.yaml"
	summaryFile  = "wandb-summary.json"
	metadataFile = "wandb-metadata.json"
	outputFile   = "output.log"
)

// runFiles are the files beside the log. Those that can be made of the log are
// made of it, in a directory of their own: a log that was cut off, or that
// another program wrote, has none or old ones.
type runFiles struct {
	u      *Uploader
	work   string   // directory of the files that are made
	root   *os.Root // files/ of the run
	text   *console.Text
	output *os.File
	name   string          // of the console file at the server
	made   map[string]bool // names that are made of the log
	named  map[string]bool // names that the log has told of
	up     *runfiles.Uploader

	mu     sync.Mutex        // guards what follows
	stored []string          // at the server, to be told in the file stream
	sums   map[string]string // their MD5, until they were told
}

// openRunFiles makes everything ready to send files. pos is what the server
// has.
func openRunFiles(u *Uploader, w *wandbpb.Writer, id Identity, pos *position) (r *runFiles, err error) {
	r = &runFiles{u: u, name: console.FileName(w.GetLabel()), sums: map[string]string{}, named: map[string]bool{}}
	defer func() {
		if err != nil {
			r.close()
			err = fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, err)
		}
	}()
	r.made = map[string]bool{r.name: true}
	for _, name := range []string{configFile, summaryFile, metadataFile} {
		r.made[name] = true
	}
	if r.work, err = os.MkdirTemp(u.o.TempDir, "wandb-agent-upload-"); err != nil {
		return r, err
	}
	if r.output, err = os.Create(filepath.Join(r.work, outputFile)); err != nil {
		return r, err
	}
	r.text = console.NewText(r.output)
	files := u.o.Dir.FilesDir()
	if _, err := os.Stat(files); errors.Is(err, fs.ErrNotExist) {
		files = r.work // a log without files: nothing is found there either
	}
	if r.root, err = os.OpenRoot(files); err != nil {
		return r, err
	}
	done := make(map[string]string, len(pos.Files))
	for name, md5 := range pos.Files {
		done[name] = md5
	}
	r.up = runfiles.New(runfiles.Options{
		Client: u.o.Client, Entity: id.Entity, Project: id.Project, Run: id.RunID,
		Root: r.root, Ignore: u.o.Ignore, Done: done, Delay: u.o.Debounce, Retry: u.o.Retry, Logger: u.o.Logger, Uploaded: r.uploaded,
	})
	return r, nil
}

func (r *runFiles) close() {
	if r.output != nil {
		r.output.Close()
	}
	if r.root != nil {
		r.root.Close()
	}
	if r.work != "" {
		os.RemoveAll(r.work)
	}
}

// run sends files as they come, until finish or ctx.
func (r *runFiles) run(ctx context.Context) error {
	if err := r.up.Run(ctx); err != nil {
		return context.Cause(ctx)
	}
	return nil
}

// add takes what a record says of files. Those that are made of the log wait
// for the end of the run.
func (r *runFiles) add(rec *wandbpb.FilesRecord) {
	for _, item := range rec.GetFiles() {
		r.named[path.Clean(filepath.ToSlash(item.GetPath()))] = true
		if !r.made[item.GetPath()] {
			_ = r.up.Add(item.GetPath(), runfiles.Policy(item.GetPolicy())) // what is refused is counted and said there
		}
	}
}

// uploaded takes a file that was stored; the file stream has to tell of it.
func (r *runFiles) uploaded(name, md5 string) {
	r.mu.Lock()
	r.sums[name] = md5
	r.stored = append(r.stored, name)
	r.mu.Unlock()
	signal(r.u.feed.pace)
}

// told notes in pos the files that the file stream told of. Before that a file
// is not done: some servers see only what they are told.
func (r *runFiles) told(pos *position, names []string) {
	if pos.Files == nil {
		pos.Files = map[string]string{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if sum, ok := r.sums[name]; ok {
			pos.Files[name] = sum
			delete(r.sums, name)
		}
	}
}

func (r *runFiles) tally() Tally {
	c := r.up.Counts()
	return Tally{c.Offered, c.Sent, c.Dropped}
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
	for _, name := range names {
		path := filepath.Join(r.work, name)
		if name == r.name {
			path = r.output.Name()
		}
		if err := r.up.AddAs(name, path, runfiles.End); err != nil {
			return fmt.Errorf("upload run %s: %w", r.u.o.Dir.RunID, err)
		}
	}
	r.addRest()
	if err := r.up.Finish(ctx); err != nil {
		return fmt.Errorf("upload run %s: %w", r.u.o.Dir.RunID, err)
	}
	return nil
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
	summary, bad := xjson.AppendValue(nil, f.summary())
	write(summaryFile, summary, bad)
	if f.state.Environment != nil {
		var text bytes.Buffer
		compact, bad := protojson.Marshal(f.state.Environment) // whose white space is not stable
		if bad == nil {
			bad = json.Indent(&text, compact, "", "  ")
		}
		write(metadataFile, append(text.Bytes(), '\n'), bad)
	}
	return names, err
}
