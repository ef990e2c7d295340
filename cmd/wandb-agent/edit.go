package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// editFlags are what edit changes.
type editFlags struct {
	name, notes, group, jobType string
	addTags, removeTags         []string
	config, summary             []string
}

func (c *cli) editCmd() *cobra.Command {
	var f editFlags
	cmd := &cobra.Command{
		Use:   "edit RUN [flags]",
		Short: "Change names, tags, config and summary of a run that is over",
		Long: `Changes a run that is over, or was cut off. The changes stand in the run's own
log: show has them at once, and sync brings them to the server, also when the run
was sent before. RUN is what show takes.

A VALUE is JSON (0.5, true, "text", [1,2]) or, where it is none, text. KEY may be
the path of a nested value (val.loss).`,
		Example: "  wandb-agent edit wandb/latest-run --add-tag baseline --summary test_acc=0.93",
		Args:    exactArgs(1, "one RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.edit(cmd.Context(), &f, args[0], cmd.Flags().Changed)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.name, "name", "", "display name")
	fs.StringVar(&f.notes, "notes", "", "notes, Markdown; an empty text removes them")
	fs.StringVar(&f.group, "group", "", "group of runs")
	fs.StringVar(&f.jobType, "job-type", "", "kind of work")
	fs.StringArrayVar(&f.addTags, "add-tag", nil, "tag to add; may be repeated")
	fs.StringArrayVar(&f.removeTags, "remove-tag", nil, "tag to take away; may be repeated")
	fs.StringArrayVar(&f.config, "config", nil, "KEY=VALUE of the config; may be repeated")
	fs.StringArrayVar(&f.summary, "summary", nil, "KEY=VALUE of the summary; may be repeated")
	return cmd
}

func (c *cli) edit(ctx context.Context, f *editFlags, path string, changed func(string) bool) error {
	if ctx == nil {
		ctx = context.Background()
	}
	run, err := runapi.Open(ctx, path)
	if err != nil {
		return err
	}
	changes := runapi.Changes{Name: f.name, Group: f.group, JobType: f.jobType}
	if changed("notes") {
		changes.Notes = &f.notes
	}
	if len(f.addTags)+len(f.removeTags) > 0 {
		changes.Tags = editTags(run.Info().Tags, f.addTags, f.removeTags)
	}
	if changes.Config, err = assignments("config", f.config, run.Config()); err != nil {
		return err
	}
	if changes.Summary, err = assignments("summary", f.summary, run.Summary()); err != nil {
		return err
	}
	if changes.Name == "" && changes.Notes == nil && changes.Group == "" && changes.JobType == "" &&
		changes.Tags == nil && len(changes.Config)+len(changes.Summary) == 0 {
		return usagef("edit needs something to change; see: wandb-agent edit --help")
	}
	if err := run.Edit(ctx, changes); err != nil {
		return err
	}
	fmt.Fprintf(c.stderr, "wandb-agent: run %s is changed; to change it on the server:  wandb-agent sync %s\n", run.Info().ID, run.Dir())
	return nil
}

// editTags returns the tags from now on.
func editTags(have, add, remove []string) []string {
	tags := slices.Clone(have)
	for _, tag := range add {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	tags = slices.DeleteFunc(tags, func(tag string) bool { return slices.Contains(remove, tag) })
	return append([]string{}, tags...)
}

// assignments reads KEY=VALUE words. have is what the run holds: a path into a
// nested value changes it there.
func assignments(flag string, words []string, have map[string]any) (map[string]any, error) {
	values := map[string]any{}
	for _, word := range words {
		key, text, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return nil, usagef("--%s %q: want KEY=VALUE", flag, word)
		}
		assign(values, have, key, valueOf(text))
	}
	return values, nil
}

// assign puts a value where its path leads in have: below the first part that is
// an object there, else under the key as it is.
func assign(to, have map[string]any, path string, v any) {
	if _, whole := have[path]; !whole {
		for i := range path {
			nested, ok := have[path[:i]].(map[string]any)
			if path[i] != '.' || !ok {
				continue
			}
			if _, begun := to[path[:i]].(map[string]any); !begun {
				to[path[:i]] = nested // all of it: a summary value is replaced
			}
			assign(to[path[:i]].(map[string]any), nested, path[i+1:], v)
			return
		}
	}
	to[path] = v
}

// valueOf reads JSON, with NaN and the infinities; anything else is text.
func valueOf(text string) any {
	if v, err := xjson.Decode([]byte(text)); err == nil {
		return v
	}
	return text
}

// compactJSON is a value on one line.
func compactJSON(v any) string {
	text, err := json.Marshal(plainJSON(v))
	if err != nil {
		return ""
	}
	return string(text)
}
