package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
)

func (c *cli) configCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check or print the host agent's configuration; explain settings of runs too",
		Args:  exactArgs(0, "check, print or explain"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.configCheckCmd(), c.configPrintCmd(), c.configExplainCmd())
	return cmd
}

func (c *cli) configCheckCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a file; every mistake with file, line and key",
		Args:  exactArgs(1, "one FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			_, err := config.Load(args[0])
			if asJSON {
				return c.checkJSON(args[0], err)
			}
			if err == nil {
				fmt.Fprintf(c.stdout, "%s: ok\n", args[0])
			}
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// checkJSON writes the outcome of a check and keeps its exit code.
func (c *cli) checkJSON(file string, err error) error {
	out := struct {
		File     string   `json:"file"`
		OK       bool     `json:"ok"`
		Problems []string `json:"problems"`
	}{file, err == nil, []string{}}
	if bad, ok := err.(*config.Error); ok {
		out.Problems = bad.Problems
	}
	if werr := writeJSON(c.stdout, out); werr != nil {
		return werr
	}
	if err != nil {
		return statusError(exitUsage)
	}
	return nil
}

func (c *cli) configPrintCmd() *cobra.Command {
	var asJSON bool
	var file string
	cmd := &cobra.Command{
		Use:   "print [--config FILE]",
		Short: "Print what is in force, defaults included; secrets as dots",
		Args:  exactArgs(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			conf, err := config.Load(file)
			if err != nil {
				return err
			}
			out, err := conf.YAML()
			if err != nil {
				return err
			}
			if asJSON {
				var tree any
				if err := yaml.Unmarshal(out, &tree); err != nil {
					return err
				}
				return writeJSON(c.stdout, tree)
			}
			_, err = c.stdout.Write(out)
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&file, "config", "", "configuration FILE (YAML)")
	return cmd
}
