package api

import (
	"context"
	"encoding/json"
	"net/http"
)

// CreateArtifactInput describes a version of an artifact. What is empty or 0 is
// left to the server.
type CreateArtifactInput struct {
	Entity, Project  string
	Type             string
	Collection       string // the artifact's name
	Run              string // run id; empty: no run made it
	Digest           string // of the manifest, hex
	Description      string
	Aliases          []string
	Tags             []string
	Metadata         string // JSON object
	TTLSeconds       int64  // -1 inherits, -2 never ends, 0 unset
	HistoryStep      int64  // 0 unset
	DistributedID    string // the same for all writers of one version
	ClientID         string // of this version, made by the client
	SequenceClientID string // of the collection, made by the client
	StorageRegion    string
	NoDeduplicate    bool
	Labels           string // JSON
}

// States of an artifact.
const (
	ArtifactPending   = "PENDING"
	ArtifactCommitted = "COMMITTED"
	ArtifactDeleted   = "DELETED"
)

// An Artifact is a version as the server keeps it.
type Artifact struct {
	ID       string
	State    string // ArtifactPending, ArtifactCommitted, ArtifactDeleted
	Digest   string // hex
	LatestID string // of the newest version in the same collection, from CreateArtifact

	// From ArtifactByName only.
	Type         string
	Collection   string
	VersionIndex int // as in v3; -1 unknown
	Size         int64
	FileCount    int64
	Metadata     string // JSON
	Description  string
	Aliases      []string
}

var createArtifact = operation{"CreateArtifact", `mutation CreateArtifact($input: CreateArtifactInput!) {
  createArtifact(input: $input) {
    artifact { id state artifactSequence { latestArtifact { id } } }
  }
}`}

// CreateArtifact announces a version. One with the same content that is already
// committed comes back as it is.
func (c *Client) CreateArtifact(ctx context.Context, in CreateArtifactInput) (*Artifact, error) {
	var out struct {
		CreateArtifact struct {
			Artifact *struct {
				ID, State        string
				ArtifactSequence struct{ LatestArtifact *struct{ ID string } }
			}
		}
	}
	if err := c.query(ctx, createArtifact, vars{"input": in.variables()}, &out, GraphQL); err != nil {
		return nil, err
	}
	got := out.CreateArtifact.Artifact
	if got == nil || got.ID == "" {
		return nil, lacking(createArtifact, "artifact")
	}
	a := &Artifact{ID: got.ID, State: got.State, Digest: in.Digest, VersionIndex: -1}
	if latest := got.ArtifactSequence.LatestArtifact; latest != nil {
		a.LatestID = latest.ID
	}
	return a, nil
}

// aliases are those of in for the server.
func (in *CreateArtifactInput) aliases() []vars {
	list := []vars{}
	for _, a := range in.Aliases {
		list = append(list, vars{"artifactCollectionName": in.Collection, "alias": a})
	}
	return list
}

func (in *CreateArtifactInput) variables() vars {
	v := vars{
		"entityName": in.Entity, "projectName": in.Project, "artifactTypeName": in.Type, "artifactCollectionName": null(in.Collection),
		"runName": null(in.Run), "digest": in.Digest, "digestAlgorithm": "MANIFEST_MD5", "description": null(in.Description),
		"aliases": in.aliases(), "metadata": null(in.Metadata), "enableDigestDeduplication": !in.NoDeduplicate,
		"distributedID": null(in.DistributedID), "clientID": null(in.ClientID), "sequenceClientID": null(in.SequenceClientID),
		"historyStep": positive(in.HistoryStep), "ttlDurationSeconds": positive(in.TTLSeconds),
	}
	if in.TTLSeconds < 0 {
		v["ttlDurationSeconds"] = in.TTLSeconds
	}
	if in.StorageRegion != "" { // servers of before storage regions refuse the field
		v["storageRegion"] = in.StorageRegion
	}
	if in.Labels != "" {
		v["labels"] = in.Labels
	}
	if len(in.Tags) > 0 { // the same for tags
		tags := []vars{}
		for _, t := range in.Tags {
			tags = append(tags, vars{"tagName": t})
		}
		v["tags"] = tags
	}
	return v
}

// positive returns n, or nil when it is not above 0.
func positive(n int64) any {
	if n <= 0 {
		return nil
	}
	return n
}

var commitArtifact = operation{"CommitArtifact", `mutation CommitArtifact($artifactID: ID!) { commitArtifact(input: {artifactID: $artifactID}) { artifact { id digest } } }`}

// CommitArtifact makes a version whose files and manifest are stored visible.
// It returns the digest that the server computed, or "".
func (c *Client) CommitArtifact(ctx context.Context, id string) (digest string, err error) {
	var out struct {
		CommitArtifact struct{ Artifact *struct{ ID, Digest string } }
	}
	if err := c.query(ctx, commitArtifact, vars{"artifactID": id}, &out, GraphQL); err != nil {
		return "", err
	}
	if out.CommitArtifact.Artifact == nil {
		return "", lacking(commitArtifact, "artifact")
	}
	return out.CommitArtifact.Artifact.Digest, nil
}

// UseArtifactInput says which run uses which artifact.
type UseArtifactInput struct {
	ArtifactID           string
	Entity, Project, Run string
	UsedAs               string
	FromEntity           string // of the artifact; sent if the server has FeatureUseArtifactWithEntity
	FromProject          string // likewise
}

var useArtifact = operation{"UseArtifact", `mutation UseArtifact($input: UseArtifactInput!) { useArtifact(input: $input) { artifact { id } } }`}

// UseArtifact marks an artifact as an input of a run.
func (c *Client) UseArtifact(ctx context.Context, in UseArtifactInput) error {
	v := vars{"artifactID": in.ArtifactID, "entityName": in.Entity, "projectName": in.Project, "runName": in.Run, "usedAs": null(in.UsedAs)}
	if in.FromEntity != "" && in.FromProject != "" {
		features, err := c.Features(ctx)
		if err != nil {
			return err
		}
		if features[FeatureUseArtifactWithEntity] {
			v["artifactEntityName"], v["artifactProjectName"] = in.FromEntity, in.FromProject
		}
	}
	var out struct{ UseArtifact *json.RawMessage }
	if err := c.query(ctx, useArtifact, vars{"input": v}, &out, GraphQL); err != nil {
		return err
	}
	if out.UseArtifact == nil {
		return lacking(useArtifact, "artifact")
	}
	return nil
}

// LinkArtifactInput says where an artifact shall be seen too. Exactly one of
// ArtifactID and ClientID is set.
type LinkArtifactInput struct {
	Entity, Project, Portfolio string
	Aliases                    []string
	ArtifactID, ClientID       string
}

var linkArtifact = operation{"LinkArtifact", `mutation LinkArtifact($artifactPortfolioName: String!, $entityName: String!, $projectName: String!, $aliases: [ArtifactAliasInput!], $clientId: ID, $artifactId: ID) {
  linkArtifact(input: {artifactPortfolioName: $artifactPortfolioName, entityName: $entityName, projectName: $projectName, aliases: $aliases, artifactID: $artifactId, clientID: $clientId}) { versionIndex }
}`}

// LinkArtifact puts an artifact into a portfolio or a registry and returns the
// number of its version there, -1 when the server does not say.
func (c *Client) LinkArtifact(ctx context.Context, in LinkArtifactInput) (version int, err error) {
	aliases := CreateArtifactInput{Collection: in.Portfolio, Aliases: in.Aliases}
	v := vars{
		"artifactPortfolioName": in.Portfolio, "entityName": in.Entity, "projectName": in.Project, "aliases": aliases.aliases(),
		"clientId": null(in.ClientID), "artifactId": null(in.ArtifactID),
	}
	var out struct{ LinkArtifact *struct{ VersionIndex *int } }
	if err := c.query(ctx, linkArtifact, v, &out, GraphQL); err != nil {
		return -1, err
	}
	switch {
	case out.LinkArtifact == nil:
		return -1, lacking(linkArtifact, "link")
	case out.LinkArtifact.VersionIndex == nil:
		return -1, nil
	}
	return *out.LinkArtifact.VersionIndex, nil
}

var fetchOrgEntity = operation{"FetchOrgEntityFromEntity", `query FetchOrgEntityFromEntity($entityName: String!) { entity(name: $entityName) { organization { name orgEntity { name } } } }`}

// An Organization is what an entity belongs to, and the entity that owns the
// organization's registries.
type Organization struct{ Name, Entity string }

// FetchOrgEntity returns the organization of an entity, nil without one.
func (c *Client) FetchOrgEntity(ctx context.Context, entity string) (*Organization, error) {
	var out struct {
		Entity *struct {
			Organization *struct {
				Name      string
				OrgEntity *struct{ Name string }
			}
		}
	}
	if err := c.query(ctx, fetchOrgEntity, vars{"entityName": entity}, &out, GraphQL); err != nil {
		return nil, err
	}
	if out.Entity == nil || out.Entity.Organization == nil || out.Entity.Organization.OrgEntity == nil {
		return nil, nil
	}
	return &Organization{out.Entity.Organization.Name, out.Entity.Organization.OrgEntity.Name}, nil
}

var clientIDMapping = operation{"ClientIDMapping", `query ClientIDMapping($clientID: ID!) { clientIDMapping(clientID: $clientID) { serverID } }`}

// ClientIDMapping returns the id that the server gave to the artifact with a
// client id. An artifact that it does not know is an Error with NotFound.
func (c *Client) ClientIDMapping(ctx context.Context, clientID string) (string, error) {
	var out struct{ ClientIDMapping *struct{ ServerID string } }
	if err := c.query(ctx, clientIDMapping, vars{"clientID": clientID}, &out, GraphQL); err != nil {
		return "", err
	}
	if out.ClientIDMapping == nil || out.ClientIDMapping.ServerID == "" {
		return "", &Error{Op: clientIDMapping.name, Status: http.StatusNotFound}
	}
	return out.ClientIDMapping.ServerID, nil
}
