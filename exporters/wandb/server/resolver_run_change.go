package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

type upsertInput struct {
	ID, Name, GroupName, ModelName, EntityName, Description, DisplayName, Notes *string
	Config                                                                      *JSONString
	Commit, Host                                                                *string
	Debug                                                                       *bool
	JobProgram, JobRepo, JobType, State, Sweep                                  *string
	Tags                                                                        *[]string
	SummaryMetrics                                                              *JSONString
}

type upsertPayload struct {
	Bucket   *run
	Inserted *bool
}

// UpsertBucket creates a run or changes it; null leaves as it is.
func (r *resolver) UpsertBucket(args struct{ Input upsertInput }) (*upsertPayload, error) {
	in := &args.Input
	if err := in.check(); err != nil {
		return nil, err
	}
	target, inserted, err := r.target(in)
	if err != nil {
		return nil, err
	}
	if in.Config != nil {
		if err := target.SetConfig(json.RawMessage(*in.Config)); err != nil {
			return nil, err
		}
	}
	if in.SummaryMetrics != nil {
		if err := target.SetSummary([]byte(*in.SummaryMetrics)); err != nil {
			return nil, err
		}
	}
	if err := target.Change(in.apply); err != nil {
		return nil, err
	}
	return &upsertPayload{r.run(target), &inserted}, nil
}

// target finds the run by storage id or by name, or makes it.
func (r *resolver) target(in *upsertInput) (*store.Run, bool, error) {
	if in.ID != nil {
		found := r.s.store.RunByID(*in.ID)
		if found == nil {
			return nil, false, fmt.Errorf("upsertBucket: no run has the id %q", *in.ID)
		}
		return found, false, nil
	}
	name, project := value(in.Name), value(in.ModelName)
	if name == "" {
		return nil, false, fmt.Errorf("upsertBucket: neither id nor name")
	}
	if project == "" {
		project = defaultProject
	}
	if err := checkProject(project); err != nil {
		return nil, false, err
	}
	if strings.TrimSpace(name) != name || strings.ContainsAny(name, ":;,#?/'") {
		return nil, false, fmt.Errorf("run id %q: none of : ; , # ? / ' and no outer white space is allowed", name)
	}
	return r.s.store.CreateRun(r.owner(in.EntityName), project, name)
}

// check applies the limits that W&B states.
func (in *upsertInput) check() error {
	if in.Tags != nil {
		for _, tag := range *in.Tags {
			if n := utf8.RuneCountInString(tag); n < 1 || n > 64 {
				return fmt.Errorf("tag %.80q: want 1 to 64 characters", tag)
			}
		}
	}
	for what, text := range map[string]*JSONString{"config": in.Config, "summaryMetrics": in.SummaryMetrics} {
		if text == nil {
			continue
		}
		v, err := xjson.Decode([]byte(*text))
		object, ok := v.(map[string]any)
		if err != nil || !ok {
			return fmt.Errorf("%s is no JSON object", what)
		}
		if what == "config" {
			for key, entry := range object {
				if e, ok := entry.(map[string]any); !ok || !hasKey(e, "value") && key != "wandb_version" {
					return fmt.Errorf("config %q has no value", key)
				}
			}
		}
	}
	return nil
}

func hasKey(m map[string]any, key string) bool { _, ok := m[key]; return ok }

func (in *upsertInput) apply(f *store.Facts) {
	for to, from := range map[*string]*string{
		&f.Group: in.GroupName, &f.Description: in.Description, &f.DisplayName: in.DisplayName, &f.Notes: in.Notes, &f.Commit: in.Commit,
		&f.Host: in.Host, &f.Program: in.JobProgram, &f.Repo: in.JobRepo, &f.JobType: in.JobType, &f.Sweep: in.Sweep, &f.State: in.State,
	} {
		if from != nil {
			*to = *from
		}
	}
	if in.Tags != nil {
		f.Tags = *in.Tags
	}
}

// DeleteRun is not kept: the store forgets nothing.
func (r *resolver) DeleteRun(struct {
	Input struct {
		ID              graphql.ID
		DeleteArtifacts *bool
	}
}) (*struct{ ClientMutationID *string }, error) {
	return nil, fmt.Errorf("this server deletes nothing")
}

type rewindPayload struct{ RewoundRun *run }

// RewindRun keeps the rows up to a step.
func (r *resolver) RewindRun(args struct {
	Input struct {
		RunName                 string
		EntityName, ProjectName *string
		MetricName              string
		MetricValue             float64
	}
}) (*rewindPayload, error) {
	in := &args.Input
	found := r.s.store.Run(r.owner(in.EntityName), value(in.ProjectName), in.RunName)
	switch {
	case found == nil:
		return nil, fmt.Errorf("rewindRun: run %q is not there", in.RunName)
	case in.MetricName != "_step":
		return nil, fmt.Errorf("rewindRun: metric %q: only _step can be rewound to", in.MetricName)
	}
	return &rewindPayload{r.run(found)}, found.Rewind(int64(in.MetricValue))
}

// StopRun asks the program of a run to stop.
func (r *resolver) StopRun(args struct{ Input struct{ ID graphql.ID } }) (*success, error) {
	return r.change(args.Input.ID, func(f *store.Facts) { f.Stopped = true })
}

// UpdateRunState sets a run's state.
func (r *resolver) UpdateRunState(args struct {
	Input struct {
		ID    graphql.ID
		State string
	}
}) (*success, error) {
	return r.change(args.Input.ID, func(f *store.Facts) { f.State = args.Input.State })
}

func (r *resolver) change(id graphql.ID, fn func(*store.Facts)) (*success, error) {
	found := r.s.store.RunByID(string(id))
	if found == nil {
		return nil, fmt.Errorf("no run has the id %q", id)
	}
	return &success{Success: true}, found.Change(fn)
}

type alertInput struct {
	EntityName, ProjectName, RunName, Title, Text, Severity string
	WaitDuration                                            *Int64
}

// NotifyScriptableRunAlert keeps an alert with its run.
func (r *resolver) NotifyScriptableRunAlert(args struct{ Input alertInput }) (*success, error) {
	in := &args.Input
	found, err := r.find(in.EntityName, in.ProjectName, in.RunName)
	if err != nil {
		return nil, err
	}
	if in.Title == "" || utf8.RuneCountInString(in.Title) > 64 {
		return nil, fmt.Errorf("alert title %.80q: want 1 to 64 characters", in.Title)
	}
	return &success{Success: true}, found.Change(func(f *store.Facts) {
		f.Alerts = append(f.Alerts, store.Alert{Title: in.Title, Text: in.Text, Severity: in.Severity, WaitDuration: int64(value(in.WaitDuration))})
	})
}

// find is for operations on a run that must be there.
func (r *resolver) find(entity, project, name string) (*store.Run, error) {
	if found := r.s.store.Run(entity, project, name); found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("run %s/%s/%s is not there", entity, project, name)
}
