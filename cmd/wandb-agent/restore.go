package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// restoreFlags are those of restore.
type restoreFlags struct {
	run     string
	dir     string
	replace bool
	code    bool
	asJSON  bool
}

func (c *cli) restoreCmd() *cobra.Command {
	f := &restoreFlags{}
	cmd := &cobra.Command{
		Use:   "restore (NAME --run PATH | --code PATH)",
		Short: "Fetch a file of a run, or the state that its code was in",
		Long: `Fetches the file NAME of the run PATH, which is entity/project/id; what is left out at
the front comes from the settings of runs. A file that is there already is not
fetched again without --replace.

With --code it tells the commit, the repository and the command of the run, and
writes what was changed since the commit to diff.patch. No git is started and no
working tree is touched: the commands for that are printed.`,
		Example: "  wandb-agent restore model.h5 --run team/project/1a2b3c4d --dir weights\n  wandb-agent restore --code team/project/1a2b3c4d",
		Args:    exactArgs(1, "one NAME, or one run with --code"),
		RunE: func(_ *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			context.AfterFunc(ctx, stop) // a second signal kills
			if f.code {
				return c.restoreCode(ctx, args[0], f)
			}
			return c.restore(ctx, args[0], f)
		},
	}
	cmd.Flags().StringVar(&f.run, "run", "", "the run, entity/project/id")
	cmd.Flags().StringVar(&f.dir, "dir", "", "directory to put the file into (default: the working directory)")
	cmd.Flags().BoolVar(&f.replace, "replace", false, "fetch a file that is there already")
	cmd.Flags().BoolVar(&f.code, "code", false, "tell the state of the code of the run that is named, and fetch its diff")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "write JSON with a stable schema")
	return cmd
}

func (f *restoreFlags) options(run string) (runapi.RestoreOptions, error) {
	if f.dir != "" {
		if err := os.MkdirAll(f.dir, 0o777); err != nil {
			return runapi.RestoreOptions{}, err
		}
	}
	return runapi.RestoreOptions{Run: run, Root: f.dir, Replace: f.replace}, nil
}

// shownFile is what restore prints, a stable schema.
type shownFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

func (c *cli) restore(ctx context.Context, name string, f *restoreFlags) error {
	if f.run == "" {
		return usagef("restore %s: of which run? give --run entity/project/id", name)
	}
	o, err := f.options(f.run)
	if err != nil {
		return err
	}
	file, err := runapi.Restore(ctx, name, o)
	if err != nil {
		return err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return err
	}
	out := shownFile{file.Name(), st.Size()}
	if f.asJSON {
		return writeJSON(c.stdout, out)
	}
	fmt.Fprintf(c.stdout, "%s: %d bytes\n", out.Path, out.Size)
	return nil
}

// shownCode is what restore --code prints, a stable schema.
type shownCode struct {
	Commit  string   `json:"commit"`
	Remote  string   `json:"remote"`
	Program string   `json:"program"`
	Args    []string `json:"args"`
	Patch   string   `json:"patch"`
}

func (c *cli) restoreCode(ctx context.Context, run string, f *restoreFlags) error {
	o, err := f.options(run)
	if err != nil {
		return err
	}
	code, err := runapi.RestoreCode(ctx, o)
	if err != nil {
		return err
	}
	if f.asJSON {
		return writeJSON(c.stdout, shownCode(code))
	}
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(c.stdout, "%-8s %s\n", name, value)
		}
	}
	line("commit", code.Commit)
	line("remote", code.Remote)
	line("program", code.Program)
	for _, arg := range code.Args {
		line("argument", arg)
	}
	line("patch", code.Patch)
	switch {
	case code.Commit == "":
		fmt.Fprintln(c.stdout, "the run knew of no commit")
	case code.Patch == "":
		fmt.Fprintf(c.stdout, "to go there: git checkout %s\n", code.Commit)
	default:
		fmt.Fprintf(c.stdout, "to go there: git checkout %s && git apply %s\n", code.Commit, code.Patch)
	}
	return nil
}
