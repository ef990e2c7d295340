package api

import "context"

// Kinds of manifests.
const (
	ManifestFull        = "FULL"
	ManifestIncremental = "INCREMENTAL" // the server merges it with the base artifact's
	ManifestPatch       = "PATCH"       // the server merges those of several writers
)

// ManifestInput describes the manifest of an artifact.
type ManifestInput struct {
	ArtifactID, BaseArtifactID string
	Name                       string // file name, such as wandb_manifest.json
	Digest                     string // base64 MD5 of its bytes; empty at first
	Entity, Project, Run       string
	Type                       string // ManifestFull, ...
	Upload                     bool   // ask where to Put it
}

// A Manifest is a manifest as the server keeps it.
type Manifest struct {
	ID, FileID    string
	UploadURL     string   // empty unless asked for
	UploadHeaders []string // for the Put
}

// manifestJSON is the selection manifestFields.
type manifestJSON struct {
	ArtifactManifest *struct {
		ID   string
		File *struct {
			ID, UploadURL string
			UploadHeaders []string
		}
	}
}

const manifestFields = `{ artifactManifest { id file { id uploadUrl @include(if: $includeUpload) uploadHeaders @include(if: $includeUpload) } } }`

func (m *manifestJSON) manifest(op operation, upload bool) (*Manifest, error) {
	if m.ArtifactManifest == nil || m.ArtifactManifest.ID == "" {
		return nil, lacking(op, "manifest")
	}
	r := &Manifest{ID: m.ArtifactManifest.ID}
	if f := m.ArtifactManifest.File; f != nil {
		r.FileID, r.UploadURL, r.UploadHeaders = f.ID, f.UploadURL, f.UploadHeaders
	}
	if upload && r.UploadURL == "" {
		return nil, lacking(op, "upload URL")
	}
	return r, nil
}

var createArtifactManifest = operation{"CreateArtifactManifest", `mutation CreateArtifactManifest($artifactID: ID!, $baseArtifactID: ID, $name: String!, $digest: String!, $entityName: String!, $projectName: String!, $runName: String!, $manifestType: ArtifactManifestType!, $includeUpload: Boolean!) {
  createArtifactManifest(input: {artifactID: $artifactID, baseArtifactID: $baseArtifactID, name: $name, digest: $digest, entityName: $entityName, projectName: $projectName, runName: $runName, type: $manifestType}) ` + manifestFields + `
}`}

// CreateArtifactManifest announces a manifest; a second time, with its digest
// and Upload, it asks where to Put it.
func (c *Client) CreateArtifactManifest(ctx context.Context, in ManifestInput) (*Manifest, error) {
	v := vars{
		"artifactID": in.ArtifactID, "baseArtifactID": null(in.BaseArtifactID), "name": in.Name, "digest": in.Digest,
		"entityName": in.Entity, "projectName": in.Project, "runName": in.Run, "manifestType": in.Type, "includeUpload": in.Upload,
	}
	var out struct{ CreateArtifactManifest manifestJSON }
	if err := c.query(ctx, createArtifactManifest, v, &out, GraphQL); err != nil {
		return nil, err
	}
	return out.CreateArtifactManifest.manifest(createArtifactManifest, in.Upload)
}

var updateArtifactManifest = operation{"UpdateArtifactManifest", `mutation UpdateArtifactManifest($artifactManifestID: ID!, $digest: String, $baseArtifactID: ID, $includeUpload: Boolean!) {
  updateArtifactManifest(input: {artifactManifestID: $artifactManifestID, digest: $digest, baseArtifactID: $baseArtifactID}) ` + manifestFields + `
}`}

// UpdateArtifactManifest gives an incremental manifest or a patch its digest,
// and asks where to Put it.
func (c *Client) UpdateArtifactManifest(ctx context.Context, manifestID, digest, baseArtifactID string, upload bool) (*Manifest, error) {
	v := vars{"artifactManifestID": manifestID, "digest": null(digest), "baseArtifactID": null(baseArtifactID), "includeUpload": upload}
	var out struct{ UpdateArtifactManifest manifestJSON }
	if err := c.query(ctx, updateArtifactManifest, v, &out, GraphQL); err != nil {
		return nil, err
	}
	return out.UpdateArtifactManifest.manifest(updateArtifactManifest, upload)
}

// An ArtifactFile is a file to be stored for an artifact.
type ArtifactFile struct {
	ArtifactID string `json:"artifactID"`
	ManifestID string `json:"artifactManifestID,omitempty"`
	Name       string `json:"name"` // path in the artifact
	MD5        string `json:"md5"`  // base64
	MimeType   string `json:"mimetype,omitempty"`
	Parts      []Part `json:"uploadPartsInput,omitempty"` // of a file that goes up in parts
}

// A Part is a piece of a file that goes up in parts.
type Part struct {
	Number int64  `json:"partNumber"` // from 1
	HexMD5 string `json:"hexMD5"`     // of its bytes; at CompleteMultipart the ETag of its Put
}

// A FileTarget says where a file of an artifact goes.
type FileTarget struct {
	StoragePath     string
	UploadURL       string   // empty: it is stored already
	UploadHeaders   []string // for each Put
	UploadID        string   // of an upload in parts
	PartURLs        map[int64]string
	BirthArtifactID string // the artifact that the file was first stored for
}

var createArtifactFiles = operation{"CreateArtifactFiles", `mutation CreateArtifactFiles($artifactFiles: [CreateArtifactFileSpecInput!]!, $storageLayout: ArtifactStorageLayout!) {
  createArtifactFiles(input: {artifactFiles: $artifactFiles, storageLayout: $storageLayout}) {
    files { edges { node {
      storagePath uploadUrl uploadHeaders
      uploadMultipartUrls { uploadID uploadUrlParts { partNumber uploadUrl } }
      artifact { id }
    } } }
  }
}`}

// CreateArtifactFiles asks where files go. The answer is in the order of files.
func (c *Client) CreateArtifactFiles(ctx context.Context, files []ArtifactFile) ([]FileTarget, error) {
	type node struct {
		StoragePath, UploadURL string
		UploadHeaders          []string
		UploadMultipartURLs    *struct {
			UploadID       string
			UploadURLParts []struct {
				PartNumber int64
				UploadURL  string
			}
		}
		Artifact struct{ ID string }
	}
	var out struct {
		CreateArtifactFiles struct {
			Files struct{ Edges []struct{ Node node } }
		}
	}
	if files == nil {
		files = []ArtifactFile{}
	}
	if err := c.query(ctx, createArtifactFiles, vars{"artifactFiles": files, "storageLayout": "V2"}, &out, GraphQL); err != nil {
		return nil, err
	}
	edges := out.CreateArtifactFiles.Files.Edges
	if len(edges) != len(files) {
		return nil, lacking(createArtifactFiles, "target for every file")
	}
	targets := make([]FileTarget, len(edges))
	for i, e := range edges {
		t := FileTarget{StoragePath: e.Node.StoragePath, UploadURL: e.Node.UploadURL, UploadHeaders: e.Node.UploadHeaders, BirthArtifactID: e.Node.Artifact.ID}
		if m := e.Node.UploadMultipartURLs; m != nil {
			t.UploadID, t.PartURLs = m.UploadID, map[int64]string{}
			for _, p := range m.UploadURLParts {
				t.PartURLs[p.PartNumber] = p.UploadURL
			}
		}
		targets[i] = t
	}
	return targets, nil
}

var completeMultipart = operation{"CompleteMultipartUploadArtifact", `mutation CompleteMultipartUploadArtifact($completeMultipartAction: CompleteMultipartAction!, $completedParts: [UploadPartsInput!]!, $artifactID: ID!, $storagePath: String!, $uploadID: String!) {
  completeMultipartUploadArtifact(input: {completeMultipartAction: $completeMultipartAction, completedParts: $completedParts, artifactID: $artifactID, storagePath: $storagePath, uploadID: $uploadID}) { digest }
}`}

// CompleteMultipart joins the parts of a file, which are in order and carry the
// ETags of their Puts. artifactID is the birth artifact of the file.
func (c *Client) CompleteMultipart(ctx context.Context, artifactID string, t FileTarget, parts []Part) (digest string, err error) {
	v := vars{
		"completeMultipartAction": "Complete", "completedParts": parts, "artifactID": artifactID,
		"storagePath": t.StoragePath, "uploadID": t.UploadID,
	}
	var out struct {
		CompleteMultipartUploadArtifact *struct{ Digest string }
	}
	if err := c.query(ctx, completeMultipart, v, &out, GraphQL); err != nil {
		return "", err
	}
	if out.CompleteMultipartUploadArtifact == nil {
		return "", lacking(completeMultipart, "digest")
	}
	return out.CompleteMultipartUploadArtifact.Digest, nil
}
