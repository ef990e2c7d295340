package server

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// manifestDigest is the digest of an artifact: its paths and their digests.
func manifestDigest(contents map[string]store.Entry) string {
	paths := make([]string, 0, len(contents))
	for path := range contents {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	h := md5.New()
	_, _ = io.WriteString(h, "wandb-artifact-manifest-v1\n")
	for _, path := range paths {
		_, _ = io.WriteString(h, path+":"+contents[path].Digest+"\n")
	}
	return hex.EncodeToString(h.Sum(nil))
}

type partInput struct {
	PartNumber Int64
	HexMD5     string
}

type artifactFileInput struct {
	ArtifactID         graphql.ID
	Name, MD5          string
	Mimetype           *string
	ArtifactManifestID *graphql.ID
	UploadPartsInput   *[]partInput
}

type createArtifactFilesPayload struct {
	Files struct{ Edges []artifactFileEdge }
}

type artifactFileEdge struct{ Node *artifactFile }

// artifactFile is a place for a file of an artifact.
type artifactFile struct {
	ID                     graphql.ID
	Name                   string
	DisplayName            *string
	StoragePath, UploadURL *string
	UploadHeaders          *[]string
	UploadMultipartUrls    *multipart
	Artifact               *artifact
}

type multipart struct {
	UploadID       string
	UploadURLParts []uploadPart
}

type uploadPart struct {
	PartNumber Int64
	UploadURL  string
}

// CreateArtifactFiles hands out a URL for each content that is not stored yet.
func (r *resolver) CreateArtifactFiles(ctx context.Context, args struct {
	Input struct {
		ArtifactFiles []artifactFileInput
		StorageLayout string
	}
}) (*createArtifactFilesPayload, error) {
	p := &createArtifactFilesPayload{}
	p.Files.Edges = []artifactFileEdge{}
	for i := range args.Input.ArtifactFiles {
		f, err := r.place(ctx, &args.Input.ArtifactFiles[i])
		if err != nil {
			return nil, err
		}
		p.Files.Edges = append(p.Files.Edges, artifactFileEdge{f})
	}
	return p, nil
}

func (r *resolver) place(ctx context.Context, in *artifactFileInput) (*artifactFile, error) {
	md5hex, err := store.HexDigest(in.MD5)
	if err != nil {
		return nil, fmt.Errorf("artifact file %q: %w", in.Name, err)
	}
	a, ok := r.s.store.Artifact(string(in.ArtifactID))
	if !ok || a.State != store.Pending {
		return nil, fmt.Errorf("artifact file %q: the artifact %q takes no files", in.Name, in.ArtifactID)
	}
	path := "wandb_artifacts/" + md5hex
	f := &artifactFile{ID: opaque("ArtifactFile", a.ID+in.Name), Name: in.Name, DisplayName: &in.Name, StoragePath: &path,
		Artifact: r.artifact(a.ID), UploadHeaders: &[]string{}}
	switch {
	case r.s.store.HasObject(md5hex):
	case in.UploadPartsInput != nil && len(*in.UploadPartsInput) > 0:
		f.UploadMultipartUrls = &multipart{UploadID: md5hex}
		for _, part := range *in.UploadPartsInput {
			url := r.s.sign(ctx, "PUT", "part", md5hex, strconv.FormatInt(int64(part.PartNumber), 10), part.HexMD5)
			f.UploadMultipartUrls.UploadURLParts = append(f.UploadMultipartUrls.UploadURLParts, uploadPart{part.PartNumber, url})
		}
		f.UploadURL = ptr(r.s.sign(ctx, "PUT", "object", md5hex))
	default:
		f.UploadURL = ptr(r.s.sign(ctx, "PUT", "object", md5hex))
	}
	return f, nil
}

// CompleteMultipartUploadArtifact joins the parts of an upload.
func (r *resolver) CompleteMultipartUploadArtifact(args struct {
	Input struct {
		CompleteMultipartAction string
		CompletedParts          []partInput
		ArtifactID              graphql.ID
		StoragePath, UploadID   string
	}
}) (*struct{ Digest *string }, error) {
	in := &args.Input
	var sums []string
	for i, part := range in.CompletedParts {
		sum, err := strconv.Unquote(part.HexMD5)
		if err != nil {
			sum = part.HexMD5
		}
		if int(part.PartNumber) != i+1 {
			return nil, fmt.Errorf("part %d stands at place %d", part.PartNumber, i+1)
		}
		sums = append(sums, sum)
	}
	if err := r.s.store.JoinParts(in.UploadID, in.UploadID, sums); err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(in.UploadID)
	return &struct{ Digest *string }{ptr(base64.StdEncoding.EncodeToString(raw))}, err
}

// UpdateArtifact changes what may change of a version.
func (r *resolver) UpdateArtifact(args struct {
	Input struct {
		ArtifactID              graphql.ID
		Description             *string
		Metadata                *JSONString
		TTLDurationSeconds      *Int64
		Aliases                 *[]aliasInput
		TagsToAdd, TagsToDelete *[]tagInput
	}
}) (*artifactPayload, error) {
	in := &args.Input
	err := r.s.store.EditArtifact(string(in.ArtifactID), func(a *store.Artifact) error {
		if in.Description != nil {
			a.Description = *in.Description
		}
		if in.Metadata != nil {
			a.Metadata = string(*in.Metadata)
		}
		if in.TTLDurationSeconds != nil {
			a.TTL = int64(*in.TTLDurationSeconds)
		}
		for _, tag := range value(in.TagsToAdd) {
			if !slices.Contains(a.Tags, tag.TagName) {
				a.Tags = append(a.Tags, tag.TagName)
			}
		}
		for _, tag := range value(in.TagsToDelete) {
			a.Tags = slices.DeleteFunc(a.Tags, func(t string) bool { return t == tag.TagName })
		}
		return nil
	})
	return &artifactPayload{r.artifact(string(in.ArtifactID))}, err
}

type useInput struct {
	ArtifactID                              graphql.ID
	EntityName, ProjectName, RunName        string
	UsedAs                                  *string
	ArtifactEntityName, ArtifactProjectName *string
}

// UseArtifact notes that a run read a version.
func (r *resolver) UseArtifact(args struct{ Input useInput }) (*artifactPayload, error) {
	in := &args.Input
	run, err := r.find(in.EntityName, in.ProjectName, in.RunName)
	if err != nil {
		return nil, err
	}
	err = r.s.store.EditArtifact(string(in.ArtifactID), func(a *store.Artifact) error {
		if !slices.Contains(a.UsedBy, in.RunName) {
			a.UsedBy = append(a.UsedBy, in.RunName)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = run.Change(func(f *store.Facts) {
		use := store.Use{Artifact: string(in.ArtifactID), As: value(in.UsedAs)}
		if !slices.Contains(f.Used, use) {
			f.Used = append(f.Used, use)
		}
	})
	return &artifactPayload{r.artifact(string(in.ArtifactID))}, err
}

type linkPayload struct {
	VersionIndex       *int32
	ArtifactMembership *membership
}

// LinkArtifact puts a version into another collection.
func (r *resolver) LinkArtifact(args struct {
	Input struct {
		ArtifactPortfolioName, EntityName, ProjectName string
		Aliases                                        *[]aliasInput
		ArtifactID, ClientID                           *graphql.ID
	}
}) (*linkPayload, error) {
	in := &args.Input
	if (in.ArtifactID == nil) == (in.ClientID == nil) {
		return nil, fmt.Errorf("linkArtifact: want one of artifactID and clientID")
	}
	id := string(value(in.ArtifactID))
	if in.ClientID != nil {
		id = r.byClientID(string(*in.ClientID))
	}
	link := store.Link{Entity: in.EntityName, Project: in.ProjectName, Collection: in.ArtifactPortfolioName}
	for _, a := range value(in.Aliases) {
		link.Aliases = append(link.Aliases, a.Alias)
	}
	r.s.store.FindArtifacts(func(a *store.Artifact) bool {
		for _, l := range a.Links {
			if l.Entity == link.Entity && l.Project == link.Project && l.Collection == link.Collection {
				link.Version = max(link.Version, l.Version+1)
			}
		}
		return false
	})
	err := r.s.store.EditArtifact(id, func(a *store.Artifact) error {
		a.Links = append(a.Links, link)
		return nil
	})
	return &linkPayload{VersionIndex: ptr(int32(link.Version))}, err
}

func (r *resolver) byClientID(client string) string {
	found := r.s.store.FindArtifacts(func(a *store.Artifact) bool { return a.ClientID == client })
	if len(found) == 0 {
		return ""
	}
	return found[0].ID
}

// ClientIDMapping finds the id of an artifact by the one its client gave it.
func (r *resolver) ClientIDMapping(args struct{ ClientID graphql.ID }) *struct{ ServerID graphql.ID } {
	id := r.byClientID(string(args.ClientID))
	if id == "" {
		return nil
	}
	return &struct{ ServerID graphql.ID }{graphql.ID(id)}
}

type aliasesArgs struct {
	Input struct {
		ArtifactID graphql.ID
		Aliases    []aliasInput
	}
}

// AddAliases moves aliases to a version.
func (r *resolver) AddAliases(args aliasesArgs) (*success, error) {
	var names []string
	for _, a := range args.Input.Aliases {
		names = append(names, a.Alias)
	}
	return &success{true}, r.s.store.AddAliases(string(args.Input.ArtifactID), names)
}

// DeleteAliases takes aliases from a version.
func (r *resolver) DeleteAliases(args aliasesArgs) (*success, error) {
	return &success{true}, r.s.store.EditArtifact(string(args.Input.ArtifactID), func(a *store.Artifact) error {
		for _, in := range args.Input.Aliases {
			a.Aliases = slices.DeleteFunc(a.Aliases, func(alias string) bool { return alias == in.Alias })
		}
		return nil
	})
}
