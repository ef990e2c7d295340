package server

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
	"go.yaml.in/yaml/v3"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// sweep is a search for parameters as a query sees it.
type sweep struct {
	r *resolver
	w store.Sweep
}

func (s *sweep) ID() graphql.ID             { return graphql.ID(s.w.ID) }
func (s *sweep) Name() string               { return s.w.Name }
func (s *sweep) DisplayName() *string       { return orNil(s.w.Name) }
func (s *sweep) State() string              { return s.w.State }
func (s *sweep) Description() *string       { return nil }
func (s *sweep) Config() string             { return s.w.Config }
func (s *sweep) CreatedAt() DateTime        { return DateTime{} }
func (s *sweep) UpdatedAt() *DateTime       { return nil }
func (s *sweep) HeartbeatAt() *DateTime     { return nil }
func (s *sweep) BestLoss() *float64         { return nil }
func (s *sweep) EarlyStopJobRunning() *bool { return nil }
func (s *sweep) Controller() *JSONString    { return nil }
func (s *sweep) Scheduler() *JSONString     { return nil }
func (s *sweep) RunCount() int32            { return int32(len(s.runs())) }
func (s *sweep) RunCountExpected() *int32   { return nil }
func (s *sweep) Project() *project          { return s.r.project(s.w.Entity, s.w.Project) }
func (s *sweep) Runs() runConnection        { return s.r.connect(s.runs(), nil, nil) }

// Method is how values are chosen.
func (s *sweep) Method() string {
	c, err := parseSweep(s.w.Config)
	if err != nil || c.Method == "" {
		return "random"
	}
	return c.Method
}

func (s *sweep) runs() []*store.Run {
	return slices.DeleteFunc(s.r.s.store.Runs(s.w.Entity, s.w.Project), func(r *store.Run) bool { return r.Facts().Sweep != s.w.Name })
}

type sweepConnection struct {
	Edges    []sweepEdge
	PageInfo pageInfo
}

type sweepEdge struct {
	Node   *sweep
	Cursor string
}

// Sweeps lists the sweeps of the project.
func (p *project) Sweeps(args struct {
	After   *string
	First   *int32
	Filters *JSONString
}) sweepConnection {
	part, start, info := page(p.r.s.store.Sweeps(p.owner, p.Name), args.After, args.First)
	out := sweepConnection{[]sweepEdge{}, info}
	for i, w := range part {
		out.Edges = append(out.Edges, sweepEdge{&sweep{p.r, w}, strconv.Itoa(start + i + 1)})
	}
	return out
}

// TotalSweeps counts them.
func (p *project) TotalSweeps() int32 { return int32(len(p.r.s.store.Sweeps(p.owner, p.Name))) }

// Sweep finds a sweep of the project.
func (p *project) Sweep(args struct{ SweepName string }) *sweep {
	w, ok := p.r.s.store.Sweep(p.owner, p.Name, args.SweepName)
	if !ok {
		return nil
	}
	return &sweep{p.r, w}
}

// sweepConfig is what this server understands of a sweep's YAML.
type sweepConfig struct {
	Program    string                    `yaml:"program"`
	Method     string                    `yaml:"method"`
	RunCap     int                       `yaml:"run_cap"`
	Parameters map[string]sweepParameter `yaml:"parameters"`
}

type sweepParameter struct {
	Value  any      `yaml:"value"`
	Values []any    `yaml:"values"`
	Min    *float64 `yaml:"min"`
	Max    *float64 `yaml:"max"`
}

func parseSweep(text string) (sweepConfig, error) {
	var c sweepConfig
	err := yaml.Unmarshal([]byte(text), &c)
	return c, err
}

// choose gives each parameter a value: of grids the n-th combination, else a
// random one. ok is false when a grid has no more.
func (c *sweepConfig) choose(n int) (values map[string]any, ok bool) {
	values = map[string]any{}
	names := make([]string, 0, len(c.Parameters))
	for name := range c.Parameters {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := c.Parameters[name]
		v := p.Value
		switch {
		case len(p.Values) > 0 && c.Method == "grid":
			v = p.Values[n%len(p.Values)]
			n /= len(p.Values)
		case len(p.Values) > 0:
			v = p.Values[rand.IntN(len(p.Values))]
		case p.Min != nil && p.Max != nil:
			v = *p.Min + rand.Float64()*(*p.Max-*p.Min)
		}
		values[name] = map[string]any{"value": v}
	}
	return values, c.Method != "grid" || n == 0
}

type upsertSweepInput struct {
	ID                                                 *graphql.ID
	Config, Description, EntityName, ProjectName       *string
	LaunchScheduler, Scheduler, TemplateVariableValues *JSONString
	State                                              *string
	Controller                                         *JSONString
	Obj, DisplayName                                   *string
	PriorRunsFilters                                   *JSONString
}

type upsertSweepPayload struct {
	Sweep                    *sweep
	ConfigValidationWarnings *[]string
}

// UpsertSweep makes a sweep or changes its state.
func (r *resolver) UpsertSweep(args struct{ Input upsertSweepInput }) (*upsertSweepPayload, error) {
	in := &args.Input
	owner, project := r.owner(in.EntityName), value(in.ProjectName)
	if project == "" {
		project = defaultProject
	}
	name := value(in.Obj)
	w, found := r.s.store.Sweep(owner, project, name)
	if !found {
		if _, err := parseSweep(value(in.Config)); err != nil || in.Config == nil {
			return nil, fmt.Errorf("upsertSweep: no config, or none that is YAML")
		}
		id := store.NewID("Sweep")
		w = store.Sweep{ID: id, Name: strings.ToLower(shortID(id)), Entity: owner, Project: project, State: "PENDING"}
	}
	if in.Config != nil {
		w.Config = *in.Config
	}
	if in.State != nil {
		w.State = *in.State
	}
	kept, err := r.s.store.PutSweep(w)
	if err != nil {
		return nil, err
	}
	return &upsertSweepPayload{&sweep{r, *kept}, ptr([]string{})}, nil
}

// shortID makes eight characters that may stand in a URL.
func shortID(string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 8)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	return string(b)
}

type agentPayload struct{ Agent struct{ ID graphql.ID } }

// CreateAgent registers an agent for a sweep.
func (r *resolver) CreateAgent(args struct {
	Input struct {
		Host                    string
		ProjectName, EntityName *string
		Sweep                   string
	}
}) (*agentPayload, error) {
	in := &args.Input
	owner, project := r.owner(in.EntityName), value(in.ProjectName)
	if project == "" {
		project = defaultProject
	}
	if _, ok := r.s.store.Sweep(owner, project, in.Sweep); !ok {
		return nil, fmt.Errorf("sweep %s/%s/%s is not there", owner, project, in.Sweep)
	}
	p := &agentPayload{}
	p.Agent.ID = graphql.ID(store.NewID("Agent"))
	r.s.store.AddAgent(string(p.Agent.ID), owner+"/"+project+"/"+in.Sweep)
	return p, nil
}

type heartbeatPayload struct {
	Agent    struct{ ID graphql.ID }
	Commands *JSONString
}

// AgentHeartbeat hands out one run at a time, until the sweep has no more.
func (r *resolver) AgentHeartbeat(args struct {
	Input struct {
		ID                graphql.ID
		Metrics, RunState *JSONString
	}
}) (*heartbeatPayload, error) {
	in := &args.Input
	p := &heartbeatPayload{}
	p.Agent.ID = in.ID
	w, ok := r.s.store.AgentSweep(string(in.ID))
	if !ok {
		return nil, fmt.Errorf("agent %q is not known", in.ID)
	}
	commands := []map[string]any{}
	busy := strings.Contains(string(value(in.RunState)), "true")
	if c, err := parseSweep(w.Config); err == nil && !busy {
		command, more := nextRun(&c, &w)
		commands = append(commands, command)
		if more {
			w.Given++
		}
	}
	if _, err := r.s.store.PutSweep(w); err != nil {
		return nil, err
	}
	text, err := json.Marshal(commands)
	p.Commands = ptr(JSONString(text))
	return p, err
}

// nextRun is the command for an agent that has nothing to do.
func nextRun(c *sweepConfig, w *store.Sweep) (command map[string]any, more bool) {
	values, ok := c.choose(w.Given)
	if !ok || c.RunCap > 0 && w.Given >= c.RunCap || w.State == "STOPPED" || w.State == "CANCELED" || w.State == "FINISHED" {
		return map[string]any{"type": "exit"}, false
	}
	return map[string]any{
		"type": "run", "run_id": shortID(""), "run_name": nil, "args": values, "program": c.Program,
		"run_storage_id": "", "project": w.Project, "num": strconv.Itoa(w.Given),
	}, true
}
