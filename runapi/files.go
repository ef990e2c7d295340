package runapi

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Names below files/.
const (
	configFile   = "config.yaml"
	summaryFile  = "wandb-summary.json"
	metadataFile = "wandb-metadata.json"
	outputFile   = "output.log"
)

// ownFiles are not the program's to save: they are written here, through what
// might be a link to a file of the program.
var ownFiles = []string{configFile, summaryFile, metadataFile, outputFile}

// writeFiles stores the files that a finished run has.
func (r *Run) writeFiles() error {
	text := runconfig.AppendYAML(nil, r.configFile())
	errs := []error{r.writeFile(configFile, text)}
	summary, err := xjson.AppendValue(nil, r.state.Summary())
	if err == nil {
		err = r.writeFile(summaryFile, summary)
	}
	return errors.Join(append(errs, err)...)
}

// writeMetadata stores the environment as protobuf JSON.
func (r *Run) writeMetadata() error {
	text, err := protojson.MarshalOptions{Multiline: true, Indent: "  "}.Marshal(r.state.Environment)
	if err != nil {
		return fmt.Errorf("encode metadata: %w", err)
	}
	return r.writeFile(metadataFile, append(text, '\n'))
}

// writeFile replaces a file below files/ in one step.
func (r *Run) writeFile(name string, text []byte) error {
	if err := replaceFile(filepath.Join(r.dir.FilesDir(), name), text); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// replaceFile writes a whole file (0600) in one step.
func replaceFile(path string, text []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// announce tells the uploader of files below files/.
func (r *Run) announce(policy wandbpb.FilesItem_PolicyType, names ...string) error {
	rec := &wandbpb.FilesRecord{}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(r.dir.FilesDir(), name)); err == nil {
			rec.Files = append(rec.Files, &wandbpb.FilesItem{Path: name, Policy: policy, Type: wandbpb.FilesItem_WANDB})
		}
	}
	if len(rec.Files) == 0 {
		return nil
	}
	return r.log.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Files{Files: rec}})
}

// outputLog is files/output.log: the console as text. The log has the same
// lines, so an error here loses nothing and ends the copy.
type outputLog struct {
	mu    sync.Mutex // guards all below
	path  string
	file  *os.File
	err   error
	limit int64 // bytes at which the older half is forgotten; 0: none
	size  int64
}

// append adds text to the file, which is made when there is something to add.
func (l *outputLog) append(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || l.path == "" {
		return
	}
	if l.file == nil {
		l.file, l.err = os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if l.err != nil {
			return
		}
	}
	_, l.err = l.file.Write(text)
	if l.size += int64(len(text)); l.limit > 0 && l.size > l.limit && l.err == nil {
		l.err = l.forget()
	}
}

// forget keeps the newer half of the file, from the beginning of a line.
func (l *outputLog) forget() error {
	text, err := os.ReadFile(l.path)
	if err != nil {
		return err
	}
	text = text[max(len(text)-int(l.limit/2), 0):]
	text = text[bytes.IndexByte(text, '\n')+1:]
	if err := replaceFile(l.path, text); err != nil {
		return err
	}
	old := l.file
	l.size = int64(len(text))
	l.file, err = os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0o600)
	return errors.Join(err, old.Close())
}

// close ends the file and returns what went wrong with it.
func (l *outputLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.err = errors.Join(l.err, l.file.Close())
		l.file = nil
	}
	l.path = ""
	return l.err
}
