package api

import (
	"context"
	"encoding/json"
)

// UpsertInput describes a run to create or to change. What is empty stays as
// the server has it.
type UpsertInput struct {
	ID            string // storage id, as the server gave it; empty at first
	Name          string // run id
	Project       string
	Entity        string // empty: the user's default
	Group         string
	DisplayName   string // empty at creation: the server invents one
	Notes         string
	Commit        string // of the program's repository
	Config        string // JSON {"key": {"value": ...}}
	Host, Program string
	Repo          string
	JobType       string
	State         string
	Sweep         string   // sweep id
	Tags          []string // nil: unchanged
	Summary       string   // JSON
	EmptyNotes    bool     // Notes is meant though it is empty
}

// A Bucket is a run as the server keeps it.
type Bucket struct {
	ID               string // storage id
	Name             string // run id
	DisplayName      string
	Description      string
	Config           string // JSON
	Sweep            string
	ProjectID        string
	Project          string
	EntityID         string
	Entity           string
	HistoryLineCount int64 // lines of history that are stored
	Inserted         bool  // the run is new
}

// bucketJSON is the selection bucketFields.
type bucketJSON struct {
	ID, Name, DisplayName, Description, Config, SweepName string
	HistoryLineCount                                      int64
	Project                                               struct {
		ID, Name string
		Entity   struct{ ID, Name string }
	}
}

const bucketFields = `{ id name displayName description config sweepName historyLineCount project { id name entity { id name } } }`

func (b *bucketJSON) bucket() *Bucket {
	return &Bucket{
		ID: b.ID, Name: b.Name, DisplayName: b.DisplayName, Description: b.Description, Config: b.Config, Sweep: b.SweepName,
		ProjectID: b.Project.ID, Project: b.Project.Name, EntityID: b.Project.Entity.ID, Entity: b.Project.Entity.Name,
		HistoryLineCount: b.HistoryLineCount,
	}
}

var upsertBucket = operation{"UpsertBucket", `mutation UpsertBucket($id: String, $name: String, $project: String, $entity: String, $groupName: String, $description: String, $displayName: String, $notes: String, $commit: String, $config: JSONString, $host: String, $debug: Boolean, $program: String, $repo: String, $jobType: String, $state: String, $sweep: String, $tags: [String!], $summaryMetrics: JSONString) {
  upsertBucket(input: {id: $id, name: $name, groupName: $groupName, modelName: $project, entityName: $entity, description: $description, displayName: $displayName, notes: $notes, config: $config, commit: $commit, host: $host, debug: $debug, jobProgram: $program, jobRepo: $repo, jobType: $jobType, state: $state, sweep: $sweep, tags: $tags, summaryMetrics: $summaryMetrics}) {
    bucket ` + bucketFields + `
    inserted
  }
}`}

// UpsertBucket creates a run or changes it. A conflict with another writer that
// creates the same run is waited out.
func (c *Client) UpsertBucket(ctx context.Context, in UpsertInput) (*Bucket, error) {
	v := vars{
		"id": null(in.ID), "name": null(in.Name), "project": null(in.Project), "entity": null(in.Entity), "groupName": null(in.Group),
		"description": nil, "displayName": null(in.DisplayName), "notes": null(in.Notes), "commit": null(in.Commit), "config": null(in.Config),
		"host": null(in.Host), "debug": nil, "program": null(in.Program), "repo": null(in.Repo), "jobType": null(in.JobType),
		"state": null(in.State), "sweep": null(in.Sweep), "tags": nil, "summaryMetrics": null(in.Summary),
	}
	if in.Tags != nil {
		v["tags"] = in.Tags
	}
	if in.EmptyNotes {
		v["notes"] = ""
	}
	var out struct {
		UpsertBucket struct {
			Bucket   *bucketJSON
			Inserted bool
		}
	}
	if err := c.query(ctx, upsertBucket, v, &out, Upsert); err != nil {
		return nil, err
	}
	if out.UpsertBucket.Bucket == nil {
		return nil, lacking(upsertBucket, "bucket")
	}
	b := out.UpsertBucket.Bucket.bucket()
	b.Inserted = out.UpsertBucket.Inserted
	return b, nil
}

// ResumeInfo is what a run that goes on needs of its former lives. The JSON
// texts are as the server stores them; empty when it has none.
type ResumeInfo struct {
	ID, Name, DisplayName string // storage id, run id, name for people
	Project, Entity       string
	Config                string // JSON {"key": {"value": ...}}
	SummaryMetrics        string // JSON object
	HistoryTail           string // JSON list of JSON texts
	EventsTail            string // the same
	WandbConfig           string // JSON; see Started
	Tags                  []string
	Notes                 string

	HistoryLineCount, EventsLineCount, LogLineCount int64 // lines stored
}

// Started says whether a program wrote the run, and not only a sweep planned it.
func (r *ResumeInfo) Started() bool {
	var doc map[string]json.RawMessage
	return json.Unmarshal([]byte(r.WandbConfig), &doc) == nil && doc["t"] != nil
}

var runResumeStatus = operation{"RunResumeStatus", `query RunResumeStatus($project: String, $entity: String, $name: String!) {
  model(name: $project, entityName: $entity) {
    id
    name
    entity { id name }
    bucket(name: $name, missingOk: true) {
      id name summaryMetrics displayName logLineCount historyLineCount eventsLineCount historyTail eventsTail config tags notes
      wandbConfig(keys: ["t"])
    }
  }
}`}

// ResumeStatus asks what is stored of a run. It returns nil when there is no
// such run.
func (c *Client) ResumeStatus(ctx context.Context, entity, project, run string) (*ResumeInfo, error) {
	var out struct {
		Model *struct {
			Name   string
			Entity struct{ Name string }
			Bucket *struct {
				ResumeInfo
				HistoryLineCount, EventsLineCount, LogLineCount *int64
			}
		}
	}
	v := vars{"project": null(project), "entity": null(entity), "name": run}
	if err := c.query(ctx, runResumeStatus, v, &out, GraphQL); err != nil {
		return nil, err
	}
	if out.Model == nil || out.Model.Bucket == nil {
		return nil, nil
	}
	b := out.Model.Bucket
	r := b.ResumeInfo
	r.Project, r.Entity = out.Model.Name, out.Model.Entity.Name
	for _, n := range []struct {
		to   *int64
		from *int64
		name string
	}{{&r.HistoryLineCount, b.HistoryLineCount, "historyLineCount"}, {&r.EventsLineCount, b.EventsLineCount, "eventsLineCount"}, {&r.LogLineCount, b.LogLineCount, "logLineCount"}} {
		if n.from == nil {
			return nil, lacking(runResumeStatus, n.name) // without it lines would be overwritten
		}
		*n.to = *n.from
	}
	return &r, nil
}

var rewindRun = operation{"RewindRun", `mutation RewindRun($runName: String!, $entity: String, $project: String, $metricName: String!, $metricValue: Float!) {
  rewindRun(input: {runName: $runName, entityName: $entity, projectName: $project, metricName: $metricName, metricValue: $metricValue}) {
    rewoundRun ` + bucketFields + `
  }
}`}

// RewindRun takes a run back to where metric had value; "_step" is the only
// metric that servers know. What came after is lost.
func (c *Client) RewindRun(ctx context.Context, entity, project, run, metric string, value float64) (*Bucket, error) {
	var out struct {
		RewindRun struct{ RewoundRun *bucketJSON }
	}
	v := vars{"runName": run, "entity": null(entity), "project": null(project), "metricName": metric, "metricValue": value}
	if err := c.query(ctx, rewindRun, v, &out, GraphQL); err != nil {
		return nil, err
	}
	if out.RewindRun.RewoundRun == nil {
		return nil, lacking(rewindRun, "run")
	}
	return out.RewindRun.RewoundRun.bucket(), nil
}
