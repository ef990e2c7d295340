package server

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// resolver answers the fields of Query and Mutation. Types of the schema are
// structs with its fields, and methods where there is something to work out.
type resolver struct{ s *Server }

// opaque makes an id of a kind and a name that stays the same.
func opaque(kind, name string) graphql.ID {
	return graphql.ID(base64.StdEncoding.EncodeToString([]byte(kind + ":" + name)))
}

// number is a whole number that stands for a name; clients parse it.
func number(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return strconv.FormatUint(uint64(h.Sum32()), 10)
}

func ptr[T any](v T) *T { return &v }

// orNil is nil for "".
func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

type pageInfo struct {
	HasNextPage bool
	EndCursor   *string
}

// page cuts n items behind a cursor, which is a number.
func page[T any](items []T, after *string, first *int32) ([]T, int, pageInfo) {
	start, _ := strconv.Atoi(value(after))
	start = min(max(start, 0), len(items))
	n := len(items) - start
	if first != nil && int(*first) < n {
		n = int(*first)
	}
	end := start + max(n, 0)
	return items[start:end], start, pageInfo{end < len(items), ptr(strconv.Itoa(end))}
}

type success struct {
	Success          bool
	ClientMutationID *string
}

// --- who

type user struct {
	ID                            graphql.ID
	Name, Username, Email, Entity string
	Admin                         bool
	Flags                         *JSONString
	DeletedAt                     *DateTime
	Teams                         struct{ Edges []teamEdge }
	APIKeys                       struct{ Edges []keyEdge }
}

type teamEdge struct{ Node struct{ Name string } }

type keyEdge struct {
	Node struct {
		ID          graphql.ID
		Name        string
		Description *string
	}
}

func (r *resolver) user() *user {
	name := r.s.o.Entity
	u := &user{ID: opaque("User", name), Name: name, Username: name, Email: name + "@localhost", Entity: name, Flags: ptr(JSONString("{}"))}
	u.Teams.Edges = []teamEdge{{struct{ Name string }{name}}}
	return u
}

// Viewer is the only user.
func (r *resolver) Viewer() *user { return r.user() }

// organization owns registries. There is one.
type organization struct {
	r                       *resolver
	ID                      graphql.ID
	Name                    string
	CoreWeaveOrganizationID *string
}

func (r *resolver) organization() *organization {
	name := r.s.o.Entity + "-org"
	return &organization{r: r, ID: opaque("Organization", name), Name: name}
}

// OrgEntity has the organization's projects.
func (o *organization) OrgEntity() *entity { return o.r.entity(o.Name) }

// FeatureFlags: none.
func (*organization) FeatureFlags(struct{ RampIDType *string }) []feature { return []feature{} }

type entity struct {
	r          *resolver
	ID         graphql.ID
	Name       string
	IsTeam     bool
	EntityType string
}

// Entity finds an owner: the user, or the organization's own, which holds
// registries.
func (r *resolver) Entity(args struct{ Name string }) *entity { return r.entity(args.Name) }

func (r *resolver) entity(name string) *entity {
	kind := "USER"
	if name == r.organization().Name {
		kind = "ORGANIZATION"
	}
	return &entity{r, opaque("Entity", name), name, false, kind}
}

// Organization that the entity belongs to.
func (e *entity) Organization() *organization { return e.r.organization() }

// User tells the organizations of a person.
func (e *entity) User() *entityUser { return &entityUser{[]*organization{e.r.organization()}} }

type entityUser struct{ Organizations []*organization }

// Organization is the only one.
func (r *resolver) Organization(args struct{ Name string }) *organization {
	if args.Name != r.organization().Name {
		return nil
	}
	return r.organization()
}

// feature serves both lists: the names differ.
type feature struct {
	Name, RampKey string
	IsEnabled     bool
}

type serverInfo struct {
	CLIVersionInfo         *JSON
	LatestLocalVersionInfo *struct {
		OutOfDate                                        bool
		LatestVersionString, VersionOnThisInstanceString string
	}
	Features                             []feature
	ExposesExplicitRunProjectPermissions bool
}

// ServerInfo says what this server can do.
func (r *resolver) ServerInfo() *serverInfo {
	info := &serverInfo{CLIVersionInfo: &JSON{map[string]any{"max_cli_version": "99.0.0", "min_cli_version": "0.10.0"}}, Features: []feature{}}
	for name, on := range r.s.o.Features {
		info.Features = append(info.Features, feature{Name: name, IsEnabled: on})
	}
	slices.SortFunc(info.Features, func(a, b feature) int { return cmpText(a.Name, b.Name) })
	return info
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// owner is the entity that a client means.
func (r *resolver) owner(entity *string) string {
	if value(entity) == "" {
		return r.s.o.Entity
	}
	return *entity
}

// defaultProject takes runs of clients that name none.
const defaultProject = "uncategorized"

// --- projects

type project struct {
	r           *resolver
	owner       string
	ID          graphql.ID
	InternalID  graphql.ID
	Name        string
	EntityName  string
	Description *string
	IsBenchmark bool
	Access      string
	Views       *JSONString
	ReadOnly    bool
	CreatedAt   DateTime
}

func (r *resolver) project(owner, name string) *project {
	return &project{r: r, owner: owner, ID: opaque("Project", owner+"/"+name), InternalID: opaque("ProjectInternalId", number(owner+"/"+name)),
		Name: name, EntityName: owner, Access: "PRIVATE"}
}

type projectArgs struct{ Name, EntityName *string }

// Project finds a project that has something in it.
func (r *resolver) Project(args projectArgs) *project {
	owner, name := r.owner(args.EntityName), value(args.Name)
	if name == "" {
		name = defaultProject
	}
	if !r.s.store.HasProject(owner, name) {
		return nil
	}
	return r.project(owner, name)
}

// Model is the old name of Project. It answers for projects that have nothing
// yet, so that a resume query finds no run in it.
func (r *resolver) Model(args projectArgs) *project { return r.Project(args) }

type projectConnection struct {
	Edges    []projectEdge
	PageInfo pageInfo
}

type projectEdge struct {
	Node   *project
	Cursor string
}

// Models lists the projects of an entity that have something in them.
func (r *resolver) Models(args struct {
	EntityName, After *string
	First             *int32
}) (projectConnection, error) {
	owner := r.owner(args.EntityName)
	names, err := r.s.store.Projects(owner)
	part, start, info := page(names, args.After, args.First)
	out := projectConnection{[]projectEdge{}, info}
	for i, name := range part {
		out.Edges = append(out.Edges, projectEdge{r.project(owner, name), strconv.Itoa(start + i + 1)})
	}
	return out, err
}

// UpsertModel notes nothing: a project is there when something is in it.
func (r *resolver) UpsertModel(args struct {
	Input struct {
		Name                                                 string
		ID, EntityName, Description, Repo, Access, Framework *string
	}
}) (*upsertModelPayload, error) {
	if err := checkProject(args.Input.Name); err != nil {
		return nil, err
	}
	p := r.project(r.owner(args.Input.EntityName), args.Input.Name)
	return &upsertModelPayload{Project: p, Model: p, Inserted: ptr(!r.s.store.HasProject(p.owner, p.Name))}, nil
}

type upsertModelPayload struct {
	Project, Model *project
	Inserted       *bool
}

// checkProject applies the rules that W&B states for names of projects.
func checkProject(name string) error {
	if name == "" || len(name) > 128 {
		return fmt.Errorf("project name %.140q: want 1 to 128 characters", name)
	}
	for _, c := range name {
		switch c {
		case '/', '\\', '#', '?', '%', ':', '\r', '\n':
			return fmt.Errorf("project name %q: none of / \\ # ? %% : is allowed", name)
		}
	}
	return store.CheckName(name)
}

// Entity is who owns the project.
func (p *project) Entity() *entity { return p.r.entity(p.owner) }

// User made it.
func (p *project) User() *user { return p.r.user() }

// Bucket finds a run; the old name.
func (p *project) Bucket(args struct {
	Name      string
	MissingOk *bool
}) (*run, error) {
	found := p.Run(struct{ Name string }{args.Name})
	if found == nil && !value(args.MissingOk) {
		return nil, fmt.Errorf("run %s/%s/%s is not there", p.owner, p.Name, args.Name)
	}
	return found, nil
}

// Run finds a run.
func (p *project) Run(args struct{ Name string }) *run {
	return p.r.run(p.r.s.store.Run(p.owner, p.Name, args.Name))
}

type runConnection struct {
	Edges      []runEdge
	PageInfo   pageInfo
	TotalCount int32
}

type runEdge struct {
	Node   *run
	Cursor string
}

func (r *resolver) connect(runs []*store.Run, after *string, first *int32) runConnection {
	part, start, info := page(runs, after, first)
	c := runConnection{Edges: []runEdge{}, PageInfo: info, TotalCount: int32(len(runs))}
	for i, one := range part {
		c.Edges = append(c.Edges, runEdge{r.run(one), strconv.Itoa(start + i + 1)})
	}
	return c
}

// Runs lists the runs of the project that a filter means, oldest first unless
// the order says otherwise.
func (p *project) Runs(args struct {
	Filters *JSONString
	After   *string
	First   *int32
	Order   *string
	Names   *[]string
}) (runConnection, error) {
	runs, err := filterRuns(p.r.s.store.Runs(p.owner, p.Name), args.Filters)
	if err != nil {
		return runConnection{}, err
	}
	if args.Names != nil {
		runs = slices.DeleteFunc(runs, func(r *store.Run) bool { return !slices.Contains(*args.Names, r.Facts().Name) })
	}
	if strings.HasPrefix(value(args.Order), "-") {
		slices.Reverse(runs)
	}
	return p.r.connect(runs, args.After, args.First), nil
}

// RunCount counts them.
func (p *project) RunCount(args struct{ Filters *JSONString }) (int32, error) {
	runs, err := filterRuns(p.r.s.store.Runs(p.owner, p.Name), args.Filters)
	return int32(len(runs)), err
}
