package server

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

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

// storagePath is what clients know content by. It ends with the MD5.
func storagePath(a *store.Artifact, birth, md5hex string) string {
	return path.Join("wandb_artifacts", a.Entity, a.Project, a.Collection, hex.EncodeToString([]byte(birth)), md5hex)
}

// CreateArtifactFiles hands out a URL for each content that is not stored yet,
// in the order of the request.
func (r *resolver) CreateArtifactFiles(ctx context.Context, args struct {
	Input struct {
		ArtifactFiles []artifactFileInput
		StorageLayout string
	}
}) (*createArtifactFilesPayload, error) {
	p := &createArtifactFilesPayload{}
	p.Files.Edges = []artifactFileEdge{}
	births := map[string]map[string]string{}
	for i := range args.Input.ArtifactFiles {
		in := &args.Input.ArtifactFiles[i]
		a, ok := r.s.store.Artifact(string(in.ArtifactID))
		if !ok || a.State != store.Pending {
			return nil, fmt.Errorf("artifact file %q: artifact %q is not there or takes no more files", in.Name, in.ArtifactID)
		}
		if births[a.ID] == nil {
			births[a.ID] = r.births(&a)
		}
		f, err := r.place(ctx, in, &a, births[a.ID])
		if err != nil {
			return nil, fmt.Errorf("artifact file %q: %w", in.Name, err)
		}
		p.Files.Edges = append(p.Files.Edges, artifactFileEdge{f})
	}
	return p, nil
}

// births says which version of the collection was the first to have a content,
// by digest.
func (r *resolver) births(a *store.Artifact) map[string]string {
	out := map[string]string{}
	for _, old := range r.s.store.Collection(a.Entity, a.Project, a.Collection) {
		for _, e := range old.Contents {
			if out[e.Digest] == "" {
				out[e.Digest] = cmp.Or(e.BirthArtifact, old.ID)
			}
		}
	}
	return out
}

func (r *resolver) place(ctx context.Context, in *artifactFileInput, a *store.Artifact, births map[string]string) (*artifactFile, error) {
	hash, err := store.HexDigest(in.MD5)
	if err != nil {
		return nil, err
	}
	birth := cmp.Or(births[in.MD5], a.ID)
	f := &artifactFile{ID: opaque("ArtifactFile", a.ID+"/"+in.Name), Name: in.Name, DisplayName: &in.Name,
		StoragePath: ptr(storagePath(a, birth, hash)), UploadHeaders: &[]string{}, Artifact: r.Artifact(struct{ ID graphql.ID }{graphql.ID(birth)})}
	if r.s.store.HasObject(hash) {
		return f, nil
	}
	f.UploadURL = ptr(r.s.sign(ctx, "PUT", "object", hash))
	if parts := value(in.UploadPartsInput); len(parts) > 0 {
		f.UploadMultipartUrls, err = r.parts(ctx, hash, parts)
	}
	return f, err
}

// parts hands out a URL for each part of a large file.
func (r *resolver) parts(ctx context.Context, hash string, parts []partInput) (*multipart, error) {
	m := &multipart{UploadID: hash}
	for i, part := range parts {
		if part.PartNumber != Int64(i+1) || !md5Hex.MatchString(part.HexMD5) {
			return nil, fmt.Errorf("part %d with MD5 %.40q at place %d: want parts in order with hexadecimal MD5s", part.PartNumber, part.HexMD5, i+1)
		}
		m.UploadURLParts = append(m.UploadURLParts, uploadPart{part.PartNumber, r.s.sign(ctx, "PUT", "part", hash, strconv.Itoa(i+1), part.HexMD5)})
	}
	return m, nil
}

// CompleteMultipartUploadArtifact joins the parts of a large file. A client says
// by the ETags of its uploads which parts it means.
func (r *resolver) CompleteMultipartUploadArtifact(args struct {
	Input struct {
		CompleteMultipartAction string
		CompletedParts          []partInput
		ArtifactID              graphql.ID
		StoragePath, UploadID   string
	}
}) (*completeMultipartPayload, error) {
	in := &args.Input
	raw, err := hex.DecodeString(in.UploadID)
	if err != nil || path.Base(in.StoragePath) != in.UploadID {
		return nil, fmt.Errorf("complete upload: %q is no upload of %q", in.UploadID, in.StoragePath)
	}
	var sums []string
	for i, part := range in.CompletedParts {
		if part.PartNumber != Int64(i+1) {
			return nil, fmt.Errorf("complete upload: part %d stands at place %d", part.PartNumber, i+1)
		}
		sums = append(sums, strings.Trim(part.HexMD5, `"`))
	}
	if !r.s.store.HasObject(in.UploadID) { // else this request comes again
		err = r.s.store.JoinParts(in.UploadID, in.UploadID, sums)
	}
	if err != nil {
		return nil, fmt.Errorf("complete upload: %w", err)
	}
	return &completeMultipartPayload{ptr(base64.StdEncoding.EncodeToString(raw))}, nil
}

type completeMultipartPayload struct{ Digest *string }
