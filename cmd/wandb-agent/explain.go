package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// shownSetting is a setting in the JSON of config explain.
type shownSetting struct {
	Key       string      `json:"key"`
	Of        string      `json:"of"` // run or agent
	Variables []string    `json:"variables,omitempty"`
	Value     string      `json:"value"`
	Source    string      `json:"source"` // default, global file, workspace file, environment, program; file for the agent
	Origin    string      `json:"origin"`
	Lost      []shownLost `json:"lost,omitempty"`
}

// shownLost is a value that another one beat.
type shownLost struct {
	Value  string `json:"value"`
	Source string `json:"source"`
	Origin string `json:"origin"`
}

func (c *cli) configExplainCmd() *cobra.Command {
	var asJSON bool
	var file, dir string
	cmd := &cobra.Command{
		Use:   "explain [KEY]",
		Short: "Show a setting, who said it, and what lost against it",
		Long: `Shows what is in force and who said it: for the settings of runs (project, mode,
base_url, ...) a variable, the settings file of the wandb directory, that of the
user, or the default; for the host agent (web.listen_address, ...) the file of
--config. KEY is a name of a settings file, a WANDB_* variable or a key of the
configuration file; without it all are listed. Secrets are dots or stars.

Of the sources the first in this order counts: the program or a flag, the
environment, the file settings in the wandb directory, the file
~/.config/wandb/settings, the default. WANDB_DISABLED=true beats them all.`,
		Example: "  wandb-agent config explain project\n  wandb-agent config explain WANDB_MODE --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("config explain takes one KEY or none; see: wandb-agent config explain --help")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			settings, err := explained(file, dir)
			if len(args) == 1 {
				one, missing := settingNamed(settings, args[0])
				if missing != nil {
					return missing
				}
				settings = []shownSetting{one}
			}
			return cmp.Or(c.writeSettings(settings, len(args) == 1, asJSON), err)
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&file, "config", "", "configuration FILE of the host agent (YAML)")
	cmd.Flags().StringVar(&dir, "dir", "", "where the wandb directory is (WANDB_DIR; default: here)")
	return cmd
}

// explained lists the settings of runs and of the host agent. The error says
// what of them is invalid.
func explained(file, dir string) ([]shownSetting, error) {
	all, invalid := runapi.Settings{Dir: dir}.Explain()
	var shown []shownSetting
	for _, e := range all {
		s := shownSetting{Key: e.Key, Of: "run", Variables: e.Variables, Value: e.Value, Source: e.Source.String(), Origin: e.Origin}
		for _, g := range e.Lost {
			s.Lost = append(s.Lost, shownLost{g.Value, g.Source.String(), g.Origin})
		}
		shown = append(shown, s)
	}
	keys, err := config.Explain(file)
	for _, e := range keys {
		s := shownSetting{Key: e.Key, Of: "agent", Value: e.Value, Source: "default", Origin: e.Origin}
		if e.Origin != "default" {
			s.Source = "file"
			s.Lost = []shownLost{{e.Default, "default", "default"}}
		}
		shown = append(shown, s)
	}
	return shown, cmp.Or(invalid, err)
}

// settingNamed finds a setting by any of its names.
func settingNamed(all []shownSetting, name string) (shownSetting, error) {
	var ofRuns []runapi.Explained
	for i, s := range all {
		if s.Key == name && s.Of == "agent" {
			return all[i], nil
		}
		if s.Of == "run" {
			ofRuns = append(ofRuns, runapi.Explained{Key: s.Key, Variables: s.Variables})
		}
	}
	e, err := runapi.FindSetting(ofRuns, name)
	if err != nil {
		return shownSetting{}, usagef("%v; wandb-agent config explain lists all", err)
	}
	for _, s := range all {
		if s.Key == e.Key && s.Of == "run" {
			return s, nil
		}
	}
	return shownSetting{}, err
}

// writeSettings prints one setting with everything that is known of it, or many
// in a line each.
func (c *cli) writeSettings(all []shownSetting, one, asJSON bool) error {
	if asJSON && one {
		return writeJSON(c.stdout, all[0])
	}
	if asJSON {
		return writeJSON(c.stdout, all)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	for _, s := range all {
		from := s.Origin
		if s.Source != "default" {
			from = s.Source + ", " + s.Origin
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Key, cmp.Or(oneLine(s.Value), "-"), from)
		if !one {
			continue
		}
		for _, l := range s.Lost {
			fmt.Fprintf(w, "  not\t%s\t%s, %s\n", cmp.Or(oneLine(l.Value), "-"), l.Source, l.Origin)
		}
		if len(s.Variables) > 0 {
			fmt.Fprintf(w, "  set it with %s\n", strings.Join(s.Variables, " or "))
		}
	}
	return w.Flush()
}

// oneLine keeps a value from breaking the table.
func oneLine(v string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(v)
}
