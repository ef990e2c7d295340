package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// lsFlags say which runs are listed, and how.
type lsFlags struct {
	project, group, sort string
	tags, cols, where    []string
	asJSON               bool
}

func (c *cli) lsCmd() *cobra.Command {
	var f lsFlags
	cmd := &cobra.Command{
		Use:   "ls [DIR]",
		Short: "List the runs of a wandb directory",
		Long: `Lists the runs in DIR, a wandb directory or the one above it (WANDB_DIR, else
here), oldest first. A column is id, name, project, group, job_type, state,
steps, tags, start, notes or dir, or a value of config or summary by its path
(config.lr, summary.val.loss). Directories whose log was joined into another one, and
those of a W&B client inside exec, are not listed by themselves.`,
		Example: "  wandb-agent ls --project mnist --cols config.lr,summary.loss --sort summary.loss\n  wandb-agent ls --tag baseline --where config.lr=0.1",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("ls takes one DIR or none; see: wandb-agent ls --help")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.ls(cmd.Context(), &f, args) },
	}
	jsonFlag(cmd, &f.asJSON)
	fs := cmd.Flags()
	fs.StringVar(&f.project, "project", "", "runs of this project only")
	fs.StringVar(&f.group, "group", "", "runs of this group only")
	fs.StringArrayVar(&f.tags, "tag", nil, "runs with this tag only; may be repeated")
	fs.StringArrayVar(&f.where, "where", nil, "runs whose COLUMN=VALUE only; may be repeated")
	fs.StringSliceVar(&f.cols, "cols", nil, "more columns, separated by commas: config.lr,summary.loss")
	fs.StringVar(&f.sort, "sort", "", "column to sort by; -COLUMN for the largest first")
	return cmd
}

// listedRun is a line of ls, and its JSON: a stable schema.
type listedRun struct {
	ID      string         `json:"id"`
	Name    string         `json:"name,omitempty"`
	Project string         `json:"project"`
	Group   string         `json:"group,omitempty"`
	JobType string         `json:"job_type,omitempty"`
	State   string         `json:"state"` // running, finished, failed, crashed
	Steps   int64          `json:"steps"` // the last one, plus one
	Tags    []string       `json:"tags"`
	Start   time.Time      `json:"start"`
	Notes   string         `json:"notes,omitempty"`
	Dir     string         `json:"dir"`
	Cols    map[string]any `json:"cols,omitempty"`

	config, summary map[string]any
}

func (c *cli) ls(ctx context.Context, f *lsFlags, args []string) error {
	if ctx == nil {
		ctx = context.Background()
	}
	if err := f.check(); err != nil {
		return err
	}
	dir, err := runsDir(args)
	if err != nil {
		return err
	}
	found, err := upload.FindRuns(dir)
	if err != nil {
		return err
	}
	list := []*listedRun{}
	unread := 0
	for _, d := range found {
		if d.JoinedInto() != "" || d.Around() != nil {
			continue
		}
		r, err := runapi.Open(ctx, d.Path)
		if err != nil {
			unread++
			fmt.Fprintf(c.stderr, "wandb-agent: %s is left out: %v\n", d.Path, err)
			continue
		}
		if run := listed(r); f.wants(run) {
			list = append(list, run)
		}
	}
	f.order(list)
	if err := c.writeRuns(f, list); err != nil {
		return err
	}
	if unread > 0 {
		return statusError(exitFailure)
	}
	return nil
}

// runsDir is the wandb directory that is meant.
func runsDir(args []string) (string, error) {
	dir := os.Getenv("WANDB_DIR")
	if len(args) == 1 {
		dir = args[0]
		if found, err := upload.FindRuns(dir); err != nil || len(found) > 0 {
			return dir, err
		}
	}
	for _, name := range []string{".wandb", "wandb"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.IsDir() {
			return filepath.Join(dir, name), nil
		}
	}
	if len(args) == 1 {
		return dir, nil // it has no runs
	}
	return "", errors.New("there is no wandb directory here: wandb-agent ls DIR")
}

// listed is what ls knows of a run.
func listed(r *runapi.RunReader) *listedRun {
	info := r.Info()
	return &listedRun{
		ID: info.ID, Name: info.Name, Project: info.Project, Group: info.Group, JobType: info.JobType, State: stateOf(&info),
		Steps: info.LastStep + 1, Tags: append([]string{}, info.Tags...), Start: info.Start, Notes: info.Notes, Dir: r.Dir(),
		config: r.Config(), summary: r.Summary(),
	}
}

// stateOf is the word that W&B has for how far a run has got.
func stateOf(info *runapi.RunInfo) string {
	switch {
	case info.Alive:
		return "running"
	case info.Exit == nil || info.Exit.Unknown:
		return "crashed"
	case info.Exit.Code != 0:
		return "failed"
	}
	return "finished"
}

// lsColumns are the columns beside those of config and summary.
var lsColumns = map[string]func(*listedRun) any{
	"id":       func(r *listedRun) any { return r.ID },
	"name":     func(r *listedRun) any { return r.Name },
	"project":  func(r *listedRun) any { return r.Project },
	"group":    func(r *listedRun) any { return r.Group },
	"job_type": func(r *listedRun) any { return r.JobType },
	"state":    func(r *listedRun) any { return r.State },
	"steps":    func(r *listedRun) any { return r.Steps },
	"tags":     func(r *listedRun) any { return strings.Join(r.Tags, ",") },
	"start":    func(r *listedRun) any { return r.Start.Local().Format("2006-01-02 15:04:05") },
	"notes":    func(r *listedRun) any { return r.Notes },
	"dir":      func(r *listedRun) any { return r.Dir },
}

// check refuses columns that there cannot be.
func (f *lsFlags) check() error {
	asked := slices.Clone(f.cols)
	if f.sort != "" {
		asked = append(asked, strings.TrimPrefix(f.sort, "-"))
	}
	for _, w := range f.where {
		col, _, ok := strings.Cut(w, "=")
		if !ok {
			return usagef("--where %q: want COLUMN=VALUE", w)
		}
		asked = append(asked, col)
	}
	for _, col := range asked {
		if lsColumns[col] == nil && !strings.HasPrefix(col, "config.") && !strings.HasPrefix(col, "summary.") {
			return usagef("column %q: want id, name, project, group, job_type, state, steps, tags, start, notes, dir, config.KEY or summary.KEY", col)
		}
	}
	return nil
}

// column returns a value of a run; nil when it has none.
func (r *listedRun) column(col string) any {
	if of := lsColumns[col]; of != nil {
		return of(r)
	}
	if key, ok := strings.CutPrefix(col, "config."); ok {
		return valueAt(r.config, key)
	}
	return valueAt(r.summary, strings.TrimPrefix(col, "summary."))
}

// valueAt finds a value by its path. A key may have dots itself.
func valueAt(m map[string]any, path string) any {
	if v, ok := m[path]; ok {
		return v
	}
	for i := range path {
		if path[i] != '.' {
			continue
		}
		if nested, ok := m[path[:i]].(map[string]any); ok {
			if v := valueAt(nested, path[i+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}

// wants says whether a run is to be listed.
func (f *lsFlags) wants(r *listedRun) bool {
	if f.project != "" && r.Project != f.project || f.group != "" && r.Group != f.group {
		return false
	}
	for _, tag := range f.tags {
		if !slices.Contains(r.Tags, tag) {
			return false
		}
	}
	for _, w := range f.where {
		col, want, _ := strings.Cut(w, "=")
		if have := r.column(col); cellText(have) != want && !equalNumbers(have, want) {
			return false
		}
	}
	return true
}

// equalNumbers says whether a value is the number that a text means: 0.1 and
// 1e-1.
func equalNumbers(have any, want string) bool {
	n, err := strconv.ParseFloat(want, 64)
	x, ok := numberOf(have)
	return err == nil && ok && x == n
}

func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// order sorts by a column: numbers before text, and what has no value last.
func (f *lsFlags) order(list []*listedRun) {
	col, down := strings.CutPrefix(f.sort, "-")
	if col == "" {
		return
	}
	slices.SortStableFunc(list, func(a, b *listedRun) int {
		x, y := a.column(col), b.column(col)
		if x == nil || y == nil {
			return cmp.Compare(boolInt(x == nil), boolInt(y == nil))
		}
		n := compareValues(x, y)
		if down {
			n = -n
		}
		return n
	})
}

func compareValues(x, y any) int {
	a, isA := numberOf(x)
	b, isB := numberOf(y)
	if isA && isB {
		return cmp.Compare(a, b)
	}
	return cmp.Or(cmp.Compare(boolInt(!isA), boolInt(!isB)), cmp.Compare(cellText(x), cellText(y)))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cellText is a value as a cell of a table.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', 6, 64)
	case map[string]any, []any:
		return compactJSON(v)
	}
	return fmt.Sprint(v)
}

func (c *cli) writeRuns(f *lsFlags, list []*listedRun) error {
	if f.asJSON {
		for _, r := range list {
			for _, col := range f.cols {
				if r.Cols == nil {
					r.Cols = map[string]any{}
				}
				r.Cols[col] = plainJSON(r.column(col))
			}
		}
		return writeJSON(c.stdout, list)
	}
	cols := append([]string{"id", "name", "project", "state", "steps", "tags"}, f.cols...)
	w := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(cols, "\t"))
	for _, r := range list {
		cells := make([]string, len(cols))
		for i, col := range cols {
			cells[i] = cmp.Or(oneLine(cellText(r.column(col))), "-")
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}
