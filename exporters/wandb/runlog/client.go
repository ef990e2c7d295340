package runlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Client is the run of another client, such as the official one, that a
// directory of ours belongs to: what exec or attach found in the processes that
// they follow. The directory keeps its own name and id; its run is the client's.
type Client struct {
	Dir     string `json:"dir"`               // the client's run directory; relative to the wandb directory of ours if it is there too
	RunID   string `json:"run_id"`            // of the run of both
	Entity  string `json:"entity,omitempty"`  // as the client was told
	Project string `json:"project,omitempty"` // likewise
	Online  bool   `json:"online,omitempty"`  // the client sends the run: our directory has what it lacks, and is sent beside it
	Late    bool   `json:"late,omitempty"`    // ours was sent before, by itself, to the same place: it goes on there without a label
	Label   string `json:"label,omitempty"`   // of what we add while the client sends
	Console bool   `json:"console,omitempty"` // our log has the console: the client's copy of it is left out
}

// ClientWriter is how Walk and Load call the rows of a [Client].
const ClientWriter = "client"

// clientPath is the file that says whose run a directory's log belongs to.
func (d *Dir) clientPath() string { return d.file("client") }

// aroundPath is the file in a client's directory that names ours.
func (d *Dir) aroundPath() string { return d.file("wandb.around") }

// Follow makes the directory part of the run of a client. Either both files that
// say so are written, or the error tells; a call that was interrupted may be made again.
func (d *Dir) Follow(client *Dir, c Client) error {
	ours, err := filepath.Abs(d.Path)
	if err != nil {
		return fmt.Errorf("follow client: %w", err)
	}
	theirs, err := filepath.Abs(client.Path)
	if err != nil {
		return fmt.Errorf("follow client: %w", err)
	}
	c.Dir, c.RunID = theirs, client.RunID
	around := ours
	if filepath.Dir(ours) == filepath.Dir(theirs) { // so that the wandb directory can be moved
		c.Dir, around = filepath.Base(theirs), filepath.Base(ours)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := replaceFile(d.clientPath(), append(text, '\n')); err != nil {
		return fmt.Errorf("follow client: %w", err)
	}
	if err := replaceFile(client.aroundPath(), []byte(around+"\n")); err != nil {
		return fmt.Errorf("follow client: %w", err)
	}
	return nil
}

// Client returns whose run the directory's log belongs to; nil: it is a run of
// its own.
func (d *Dir) Client() *Client {
	text, err := os.ReadFile(d.clientPath())
	if err != nil {
		return nil
	}
	c := new(Client)
	if json.Unmarshal(text, c) != nil || CheckID(c.RunID) != nil || c.Dir == "" {
		return nil
	}
	return c
}

// ClientDir is the directory of the client that this one belongs to; nil when
// there is none, or it is gone.
func (d *Dir) ClientDir() *Dir {
	c := d.Client()
	if c == nil {
		return nil
	}
	return existing(&Dir{Path: d.beside(c.Dir), RunID: c.RunID})
}

// Around is the directory of ours that belongs to the run of this one, a
// client's; nil when there is none.
func (d *Dir) Around() *Dir {
	text, err := os.ReadFile(d.aroundPath())
	if err != nil {
		return nil
	}
	around, err := fromRunDir(d.beside(strings.TrimSpace(string(text))))
	if err != nil || around == nil {
		return nil
	}
	if c := around.Client(); c == nil || c.RunID != d.RunID {
		return nil
	}
	return around
}

// beside finds a directory that is named by its path, or by its name next to d.
func (d *Dir) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(d.Path), path)
}

func existing(d *Dir) *Dir {
	if _, err := os.Stat(d.LogPath()); err != nil {
		return nil
	}
	return d
}

// Run is the id of the run that the directory's log belongs to: that of the
// client whose run it is, else its own.
func (d *Dir) Run() string {
	if c := d.Client(); c != nil {
		return c.RunID
	}
	return d.RunID
}

// clientSource opens the log of the client whose run this is, to be read with
// ours; nil when there is none or our log has it already.
func (d *Dir) clientSource() (*source, *Client, error) {
	c, dir := d.Client(), d.ClientDir()
	if dir == nil || dir.JoinedInto() == filepath.Base(d.Path) {
		return nil, nil, nil
	}
	f, err := os.Open(dir.LogPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read client of run: %w", err)
	}
	return &source{name: ClientWriter, file: f, reader: NewReader(f)}, c, nil
}

// shows says what a reader of the run sees of a record of the client: what it is
// called, what it logged, how it says that it ended. Its start is later than ours. The
// record may be changed.
func (c *Client) shows(rec *wandbpb.Record) bool {
	switch t := rec.GetRecordType().(type) {
	case nil, *wandbpb.Record_Header, *wandbpb.Record_Final, *wandbpb.Record_Footer:
		return false
	case *wandbpb.Record_OutputRaw, *wandbpb.Record_Output:
		return !c.Console
	case *wandbpb.Record_Run:
		run := proto.Clone(t.Run).(*wandbpb.RunRecord)
		run.StartTime, run.Writer, run.Host = nil, nil, ""
		t.Run = run
	}
	return true
}
