package main

import (
	"path/filepath"
	"slices"
	"strings"
)

// What exec and attach do about the official client in the processes that they
// follow.
const (
	clientJoin  = "join"
	clientApart = "apart"
)

func (f *runFlags) checkClient() error {
	if f.Client != clientJoin && f.Client != clientApart {
		return usagef("--client %q: want %s or %s", f.Client, clientJoin, clientApart)
	}
	return nil
}

// forClientVariable lists what exec has put into the environment for the
// official client alone, so that programs of this module do not take it for the
// user's wish.
const forClientVariable = "WANDB_AGENT_FOR_CLIENT"

// forClient is what the official client in a command has to know so that its run
// and ours can be one: the flags, and what we do in its place. What the environment
// says already stays, and so does what the program says.
func forClient(environ []string, f *runFlags) []string {
	var more []string
	give := func(name, value string) bool {
		has := slices.ContainsFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
		if value == "" || has {
			return false
		}
		more = append(more, name+"="+value)
		return true
	}
	dir := f.Dir
	if path, err := filepath.Abs(dir); err == nil && dir != "" {
		dir = path
	}
	for _, v := range [...][2]string{
		{"WANDB_PROJECT", f.Project}, {"WANDB_ENTITY", f.Entity}, {"WANDB_NAME", f.Name}, {"WANDB_RUN_ID", f.ID},
		{"WANDB_RUN_GROUP", f.Group}, {"WANDB_JOB_TYPE", f.JobType}, {"WANDB_NOTES", f.Notes}, {"WANDB_TAGS", strings.Join(f.Tags, ",")},
		{"WANDB_MODE", f.Mode}, {"WANDB_DIR", dir}, {"WANDB_RESUME", f.Resume}, {"WANDB_BASE_URL", f.BaseURL},
	} {
		give(v[0], v[1])
	}
	var ours []string
	for _, v := range [...][2]string{{"WANDB_X_DISABLE_STATS", "true"}, {"WANDB_CONSOLE", "off"}} {
		if give(v[0], v[1]) {
			ours = append(ours, v[0])
		}
	}
	if len(ours) > 0 {
		more = append(more, forClientVariable+"="+strings.Join(ours, ","))
	}
	return more
}
