package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/report"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

func (c *cli) exportCmd() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "export RUN --format jsonl|csv|html",
		Short: "Write rows and hardware samples of a run on one timeline",
		Long: `Writes every logged row and every hardware sample in the order of time. Keys of
samples begin with "system.". In csv each key is a column; nested keys are joined
by dots; a cell is empty where there was no value. In jsonl NaN and the infinities
are the strings "NaN", "Infinity" and "-Infinity". html is a page for people
that needs nothing beside itself: charts, config, summary, the end of the console.`,
		Example: "  wandb-agent export wandb/latest-run --format csv > run.csv",
		Args:    exactArgs(1, "one RUN"),
		RunE: func(_ *cobra.Command, args []string) error {
			write := map[string]func(io.Writer, *runlog.Dir) error{"jsonl": exportJSONL, "csv": exportCSV, "html": exportHTML}[format]
			if write == nil {
				return usagef("--format %q: want jsonl, csv or html", format)
			}
			dir, err := openWhole(args[0])
			if err != nil {
				return err
			}
			w := bufio.NewWriterSize(c.stdout, 1<<16)
			if err := write(w, dir); err != nil {
				return err
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl, csv or html")
	return cmd
}

// exportHTML writes the run as a page.
func exportHTML(w io.Writer, dir *runlog.Dir) error {
	run, err := runlog.Load(dir)
	if err != nil {
		return err
	}
	return report.WriteHTML(w, run)
}

// point is a row or a sample on the timeline.
type point struct {
	Kind    string         `json:"kind"` // row or system
	Time    float64        `json:"time"` // seconds since 1970
	Step    *int64         `json:"step,omitempty"`
	Runtime *float64       `json:"runtime,omitempty"`
	Values  map[string]any `json:"values"`
}

// eachPoint calls fn for every point, in the order of time.
func eachPoint(dir *runlog.Dir, fn func(point) error) error {
	_, err := runlog.Walk(dir, func(writer string, rec *wandbpb.Record) error {
		if row, ok := runlog.RowOf(writer, rec); ok {
			return fn(point{"row", row.Timestamp, &row.Step, &row.Runtime, row.Values})
		}
		if s, ok := runlog.SampleOf(writer, rec); ok {
			values := make(map[string]any, len(s.Values))
			for k, v := range s.Values {
				values["system."+k] = v
			}
			return fn(point{Kind: "system", Time: float64(s.Time.UnixNano()) / 1e9, Values: values})
		}
		return nil
	})
	return err
}

func exportJSONL(w io.Writer, dir *runlog.Dir) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return eachPoint(dir, func(p point) error {
		p.Values, _ = plainJSON(p.Values).(map[string]any)
		return e.Encode(p)
	})
}

// exportCSV reads the run twice, first for its columns, so that a long run
// needs no memory for its rows.
func exportCSV(out io.Writer, dir *runlog.Dir) error {
	seen := map[string]bool{}
	err := eachPoint(dir, func(p point) error {
		leaves("", p.Values, func(k string, _ any) { seen[k] = true })
		return nil
	})
	if err != nil {
		return err
	}
	var keys []string
	for k := range seen {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	column := make(map[string]int, len(keys))
	for i, k := range keys {
		column[k] = i + 4
	}
	w := csv.NewWriter(out)
	if err := w.Write(append([]string{"time", "kind", "step", "runtime"}, keys...)); err != nil {
		return err
	}
	cells := make([]string, len(keys)+4)
	err = eachPoint(dir, func(p point) error {
		clear(cells)
		p.fixed(cells)
		leaves("", p.Values, func(k string, v any) {
			if i, ok := column[k]; ok { // a living run may have grown a key meanwhile
				cells[i] = cell(v)
			}
		})
		return w.Write(cells)
	})
	w.Flush()
	if err != nil {
		return err
	}
	return w.Error()
}

func (p *point) fixed(cells []string) {
	cells[0] = strconv.FormatFloat(p.Time, 'f', 6, 64)
	cells[1] = p.Kind
	if p.Step != nil {
		cells[2] = strconv.FormatInt(*p.Step, 10)
		cells[3] = strconv.FormatFloat(*p.Runtime, 'f', 6, 64)
	}
}

// leaves visits the values of a tree with dotted keys.
func leaves(prefix string, m map[string]any, fn func(string, any)) {
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok && len(sub) > 0 {
			leaves(prefix+k+".", sub, fn)
			continue
		}
		fn(prefix+k, v)
	}
}

// cell writes text bare and everything else as extended JSON.
func cell(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := xjson.AppendValue(nil, v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(string(b))
}
