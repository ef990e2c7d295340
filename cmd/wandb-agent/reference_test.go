package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
)

// TestReferenceIsComplete fails when docs/cli.md lacks a command, a flag, a key
// of the configuration file or a field of JSON output.
func TestReferenceIsComplete(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	commands((&cli{}).root(), names)
	for _, v := range []any{diagnosis{}, onceSample{}, shownRun{}, point{}, build{}, shownDownload{}, shownEntry{}, shownVerify{}, shownPut{}, shownFile{}, shownCode{}, shownSetting{}, listedRun{}} {
		tagged(reflect.TypeOf(v), "json", names)
	}
	tagged(reflect.TypeFor[config.Config](), "yaml", names)
	if len(names) < 80 {
		t.Errorf("got %d names, want at least 80", len(names))
	}
	for name := range names {
		if !strings.Contains(string(text), name) {
			t.Errorf("docs/cli.md does not have %s", name)
		}
	}
}

// commands adds what a user types for every visible command below cmd.
func commands(cmd *cobra.Command, names map[string]bool) {
	for _, sub := range cmd.Commands() {
		if sub.Hidden {
			continue
		}
		names["`"+strings.TrimPrefix(sub.CommandPath(), "wandb-agent ")] = sub.HasParent()
		sub.Flags().VisitAll(func(f *pflag.Flag) { names["--"+f.Name] = true })
		commands(sub, names)
	}
}

// tagged adds the names that the fields of t have outside, with those of the
// structs in them.
func tagged(t reflect.Type, key string, names map[string]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get(key), ",")
		switch {
		case name == "":
			continue
		case key == "json":
			names[`"`+name+`"`] = true
		default:
			names[name+":"] = true
		}
		tagged(t.Field(i).Type, key, names)
	}
}
