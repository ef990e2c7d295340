package api

import (
	"context"
	"net/http"
)

var artifactByName = operation{"ArtifactMembershipByName", `query ArtifactMembershipByName($entity: String!, $project: String!, $name: String!) {
  project(name: $project, entityName: $entity) {
    artifactCollectionMembership(name: $name) {
      versionIndex
      aliases { alias }
      artifactCollection { name }
      artifact { id digest state size fileCount metadata description artifactType { name } }
    }
  }
}`}

// ArtifactByName finds a version by "name:alias" or "name:v3". One that the
// server does not know is an Error with NotFound.
func (c *Client) ArtifactByName(ctx context.Context, entity, project, name string) (*Artifact, error) {
	var out struct {
		Project *struct {
			ArtifactCollectionMembership *struct {
				VersionIndex       *int
				Aliases            []struct{ Alias string }
				ArtifactCollection struct{ Name string }
				Artifact           *struct {
					Artifact
					ArtifactType struct{ Name string }
				}
			}
		}
	}
	if err := c.query(ctx, artifactByName, vars{"entity": entity, "project": project, "name": name}, &out, GraphQL); err != nil {
		return nil, err
	}
	if out.Project == nil || out.Project.ArtifactCollectionMembership == nil || out.Project.ArtifactCollectionMembership.Artifact == nil {
		return nil, &Error{Op: artifactByName.name, Status: http.StatusNotFound, Messages: []string{"no artifact " + entity + "/" + project + "/" + name}}
	}
	m := out.Project.ArtifactCollectionMembership
	a := m.Artifact.Artifact
	a.Type, a.Collection, a.VersionIndex = m.Artifact.ArtifactType.Name, m.ArtifactCollection.Name, -1
	if m.VersionIndex != nil {
		a.VersionIndex = *m.VersionIndex
	}
	for _, alias := range m.Aliases {
		a.Aliases = append(a.Aliases, alias.Alias)
	}
	return &a, nil
}

var artifactManifest = operation{"ArtifactManifest", `query ArtifactManifest($artifact_id: ID!) { artifact(id: $artifact_id) { currentManifest { file { directUrl } } } }`}

// ArtifactManifestURL returns where to Get the manifest of an artifact.
func (c *Client) ArtifactManifestURL(ctx context.Context, artifactID string) (string, error) {
	var out struct {
		Artifact *struct {
			CurrentManifest *struct{ File struct{ DirectURL string } }
		}
	}
	if err := c.query(ctx, artifactManifest, vars{"artifact_id": artifactID}, &out, GraphQL); err != nil {
		return "", err
	}
	if out.Artifact == nil || out.Artifact.CurrentManifest == nil || out.Artifact.CurrentManifest.File.DirectURL == "" {
		return "", &Error{Op: artifactManifest.name, Status: http.StatusNotFound, Messages: []string{"the artifact has no manifest"}}
	}
	return out.Artifact.CurrentManifest.File.DirectURL, nil
}

// A ManifestEntry names a file of an artifact whose URL is wanted.
type ManifestEntry struct {
	Name            string `json:"name"`
	Digest          string `json:"digest"`
	BirthArtifactID string `json:"birthArtifactID,omitempty"`
	Ref             string `json:"ref,omitempty"`
	Size            int64  `json:"size"`
}

// MaxEntryURLs is how many URLs one ArtifactEntryURLs may ask for.
const MaxEntryURLs = 5000

// filePage is the selection filePageFields.
type filePage struct {
	PageInfo struct {
		HasNextPage bool
		EndCursor   string
	}
	Edges []struct {
		Node *struct{ Name, DirectURL string }
	}
}

const filePageFields = `{ pageInfo { hasNextPage endCursor } edges { node { name directUrl } } }`

func (p *filePage) addTo(urls map[string]string) {
	for _, e := range p.Edges {
		if e.Node != nil {
			urls[e.Node.Name] = e.Node.DirectURL
		}
	}
}

var artifactEntryURLs = operation{"ArtifactFileURLsByManifestEntries", `query ArtifactFileURLsByManifestEntries($id: ID!, $entries: [ArtifactManifestEntryInput!], $storageLayout: String!, $manifestVersion: String!, $storageRegion: String) {
  artifact(id: $id) {
    filesByManifestEntries(entries: $entries, storageLayout: $storageLayout, manifestVersion: $manifestVersion, storageRegion: $storageRegion) ` + filePageFields + `
  }
}`}

// ArtifactEntryURLs returns where to Get the files of at most MaxEntryURLs
// entries, by name. layout, version and region stand in the manifest.
func (c *Client) ArtifactEntryURLs(ctx context.Context, artifactID string, entries []ManifestEntry, layout, version, region string) (map[string]string, error) {
	v := vars{"id": artifactID, "entries": entries, "storageLayout": layout, "manifestVersion": version, "storageRegion": null(region)}
	var out struct {
		Artifact *struct{ FilesByManifestEntries *filePage }
	}
	if err := c.query(ctx, artifactEntryURLs, v, &out, GraphQL); err != nil {
		return nil, err
	}
	if out.Artifact == nil || out.Artifact.FilesByManifestEntries == nil {
		return nil, lacking(artifactEntryURLs, "files")
	}
	urls := map[string]string{}
	out.Artifact.FilesByManifestEntries.addTo(urls)
	return urls, nil
}

var artifactFileURLs = operation{"ArtifactFileURLs", `query ArtifactFileURLs($id: ID!, $cursor: String, $perPage: Int) {
  artifact(id: $id) { files(after: $cursor, first: $perPage) ` + filePageFields + ` }
}`}

// ArtifactFileURLs returns a page of the files of an artifact, by name, and the
// cursor of the next page, "" after the last. Servers that do not know
// ArtifactEntryURLs know it.
func (c *Client) ArtifactFileURLs(ctx context.Context, artifactID, cursor string, perPage int) (urls map[string]string, next string, err error) {
	var out struct{ Artifact *struct{ Files *filePage } }
	if err := c.query(ctx, artifactFileURLs, vars{"id": artifactID, "cursor": null(cursor), "perPage": perPage}, &out, GraphQL); err != nil {
		return nil, "", err
	}
	if out.Artifact == nil || out.Artifact.Files == nil {
		return nil, "", lacking(artifactFileURLs, "files")
	}
	p := out.Artifact.Files
	urls = map[string]string{}
	p.addTo(urls)
	if p.PageInfo.HasNextPage {
		next = p.PageInfo.EndCursor
	}
	return urls, next, nil
}
