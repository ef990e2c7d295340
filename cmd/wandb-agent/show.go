package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/report"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func (c *cli) showCmd() *cobra.Command {
	var asJSON, console bool
	cmd := &cobra.Command{
		Use:     "show RUN",
		Short:   "Show a run: config, metrics, hardware, console, exit",
		Long:    "Shows a run of ours or of the official client. RUN is a run directory, its .wandb\nfile, or a wandb directory (its latest run). A run that is being written, or\nthat crashed, is shown as far as it got; nothing is changed.",
		Example: "  wandb-agent show wandb/latest-run\n  wandb-agent show --console wandb/latest-run | less -R",
		Args:    exactArgs(1, "one RUN"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := openWhole(args[0])
			if err != nil {
				return err
			}
			switch {
			case asJSON:
				return c.showJSON(dir)
			case console:
				return writeConsole(c.stdout, dir)
			}
			return c.showReport(dir)
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&console, "console", false, "print what the program printed, and nothing else")
	return cmd
}

// openWhole opens a run to be read. In place of a client's directory it takes
// ours around it, which shows the client's rows too.
func openWhole(path string) (*runlog.Dir, error) {
	dir, err := runlog.OpenDir(path)
	if err != nil {
		return nil, err
	}
	if target, err := filepath.EvalSymlinks(dir.Path); err == nil { // latest-run is a link
		if around := (&runlog.Dir{Path: target, RunID: dir.RunID}).Around(); around != nil {
			return around, nil
		}
	}
	return dir, nil
}

func (c *cli) showReport(dir *runlog.Dir) error {
	run, err := runlog.LoadQuiet(dir)
	if err != nil {
		return err
	}
	if err := report.Write(c.stdout, run, terminalOptions(c.stdout)); err != nil {
		return err
	}
	into, others := writersOf(dir)
	if into != "" {
		fmt.Fprintf(c.stdout, "\nIts records are in %s too: it was joined.\n", into)
	} else if len(others) > 0 {
		fmt.Fprintf(c.stdout, "\n%d more %s of this run beside it; sync makes them one:\n", len(others), plural(len(others), "directory", "directories"))
		for _, name := range others {
			fmt.Fprintln(c.stdout, "  "+name)
		}
	}
	return nil
}

// writersOf says into which directory one was joined, and which others hold logs
// of its run that were joined to none. What cannot be read is left out.
func writersOf(dir *runlog.Dir) (into string, others []string) {
	siblings, err := dir.Siblings()
	if err != nil {
		return dir.JoinedInto(), nil
	}
	for _, d := range siblings {
		if d.JoinedInto() == "" {
			others = append(others, filepath.Base(d.Path))
		}
	}
	return dir.JoinedInto(), others
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (c *cli) showJSON(dir *runlog.Dir) error {
	run, err := runlog.Load(dir)
	if err != nil {
		return err
	}
	out := runJSON(run)
	out.JoinedInto, out.More = writersOf(dir)
	return writeJSON(c.stdout, out)
}

// terminalOptions are colour and width of w; plain text off a terminal and
// with NO_COLOR (no-color.org).
func terminalOptions(w io.Writer) report.Options {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return report.Options{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 0
	}
	return report.Options{Color: os.Getenv("NO_COLOR") == "", Width: min(width, 120)}
}

// writeConsole prints as it reads: a console may be larger than memory.
func writeConsole(w io.Writer, dir *runlog.Dir) error {
	_, err := runlog.Walk(dir, func(_ string, rec *wandbpb.Record) error {
		_, err := io.WriteString(w, rec.GetOutputRaw().GetLine())
		return err
	})
	return err
}

// The JSON of show, a stable schema: fields are added, never changed.
type (
	shownRun struct {
		ID      string        `json:"id"`
		Entity  string        `json:"entity,omitempty"`
		Project string        `json:"project"`
		Name    string        `json:"name,omitempty"`
		Notes   string        `json:"notes,omitempty"`
		Group   string        `json:"group,omitempty"`
		JobType string        `json:"job_type,omitempty"`
		Tags    []string      `json:"tags"`
		Host    string        `json:"host,omitempty"`
		Start   time.Time     `json:"start"`
		Config  any           `json:"config"`
		Summary any           `json:"summary"`
		History []shownRow    `json:"history"`
		System  []shownSample `json:"system"`
		Console []shownText   `json:"console"`
		Files   []string      `json:"files"`
		Exit    *shownExit    `json:"exit"`
		Crashed bool          `json:"crashed"`
		Records int64         `json:"records"`
		Damage  shownDamage   `json:"damage"`

		JoinedInto string   `json:"joined_into,omitempty"`      // directory whose log has this one's records too
		More       []string `json:"more_directories,omitempty"` // others with logs of the same run
	}
	shownRow struct {
		Step      int64   `json:"step"`
		Runtime   float64 `json:"runtime"`
		Timestamp float64 `json:"timestamp"`
		Values    any     `json:"values"`
	}
	shownSample struct {
		Time   time.Time `json:"time"`
		Values any       `json:"values"`
	}
	shownText struct {
		Time   time.Time `json:"time"`
		Stream string    `json:"stream"`
		Text   string    `json:"text"`
	}
	shownDamage struct {
		BadChunks  int64 `json:"bad_chunks"`
		LostBytes  int64 `json:"lost_bytes"`
		Unreadable int64 `json:"unreadable_records"`
		TornBytes  int64 `json:"torn_bytes"`
	}
	shownExit struct {
		Status         string  `json:"status"` // known or unknown
		Code           *int    `json:"code"`   // null when unknown
		Signal         int     `json:"signal,omitempty"`
		RuntimeSeconds float64 `json:"runtime_seconds"`
	}
)

func runJSON(run *runlog.Run) shownRun {
	out := shownRun{
		ID: run.ID, Entity: run.Entity, Project: run.Project, Name: run.Name, Notes: run.Notes, Group: run.Group,
		JobType: run.JobType, Tags: append([]string{}, run.Tags...), Host: run.Host, Start: run.Start,
		Config: plainJSON(run.Config), Summary: plainJSON(run.Summary), History: []shownRow{}, System: []shownSample{},
		Console: []shownText{}, Files: append([]string{}, run.Files...), Exit: exitJSON(run.Exit), Crashed: run.Crashed,
		Records: run.Records, Damage: shownDamage(run.Damage),
	}
	for _, r := range run.History {
		out.History = append(out.History, shownRow{r.Step, r.Runtime, r.Timestamp, plainJSON(r.Values)})
	}
	for _, s := range run.Stats {
		out.System = append(out.System, shownSample{s.Time, plainJSON(s.Values)})
	}
	for _, t := range run.Console {
		stream := "stdout"
		if t.Stderr {
			stream = "stderr"
		}
		out.Console = append(out.Console, shownText{t.Time, stream, t.Text})
	}
	return out
}

func exitJSON(e *runlog.Exit) *shownExit {
	if e == nil {
		return nil
	}
	out := &shownExit{Status: "unknown", RuntimeSeconds: e.Runtime.Seconds()}
	if e.Known {
		out.Status, out.Code, out.Signal = "known", &e.Code, e.Signal
	}
	return out
}

// plainJSON replaces what JSON has no form for: NaN and the infinities become
// the strings "NaN", "Infinity" and "-Infinity".
func plainJSON(v any) any {
	switch v := v.(type) {
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plainJSON(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plainJSON(e)
		}
		return out
	}
	return v
}
