package runapi

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	wandbartifact "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// UseOptions say how a version is used.
type UseOptions struct {
	Type string // what the type of the version must be; "" is any
	As   string // purpose, for servers that show it
}

// UseArtifact tells the server that the run reads a version, "name:alias",
// "project/name:v3" or "entity/project/name:digest", and returns it for download.
// Without a version it is the latest. It waits until the server knows the run. To
// make a version and read it in one, see ArtifactOptions.Use.
//
// In a run that is kept only versions that it has logged can be used; the server
// is told when the run is sent. Others are ErrOffline. A version of another type
// than o.Type is an error of exporters/wandb/artifact, ErrType; one that the
// server does not know is an *api.Error with NotFound.
func (r *Run) UseArtifact(ctx context.Context, ref string, o UseOptions) (*UsedArtifact, error) {
	return r.use(ctx, ref, o, nil)
}

// use is UseArtifact; check may refuse the version before the server is told.
func (r *Run) use(ctx context.Context, ref string, o UseOptions, check func(*api.Artifact) error) (*UsedArtifact, error) {
	if r != nil && !r.off && r.link.Load() == nil {
		return r.useKept(ref, o, check)
	}
	id, err := r.atServer(ctx)
	if err != nil {
		return nil, fmt.Errorf("use artifact %q: %w", ref, err)
	}
	version, err := wandbartifact.ParseRef(ref, id.Entity, id.Project)
	if err != nil {
		return nil, err
	}
	a, err := wandbartifact.Use(ctx, r.client, version, wandbartifact.UseOptions{
		Entity: id.Entity, Project: id.Project, Run: id.RunID, Type: o.Type, As: o.As, Check: check,
	})
	if err != nil {
		return nil, err
	}
	version.Version = fmt.Sprintf("v%d", a.VersionIndex)
	if a.VersionIndex < 0 {
		version.Version = a.Digest
	}
	return &UsedArtifact{Artifact: *a, ref: version, client: r.client}, nil
}

// useKept finds a version among those that this run has logged. The record of it
// is written once more, as one that the run uses too.
func (r *Run) useKept(ref string, o UseOptions, check func(*api.Artifact) error) (*UsedArtifact, error) {
	fail := func(err error) (*UsedArtifact, error) { return nil, fmt.Errorf("use artifact %q: %w", ref, err) }
	version, err := wandbartifact.ParseRef(ref, "offline", "offline")
	if err != nil {
		return nil, err
	}
	rec := r.findMade(version.Name, version.Version)
	if rec == nil || rec.GetManifest().GetManifestFilePath() != "" { // its file goes when the version is sent
		return fail(ErrOffline)
	}
	m, err := wandbartifact.FromRecord(rec.GetManifest())
	if err != nil {
		return fail(err)
	}
	a := api.Artifact{
		Digest: rec.GetDigest(), Type: rec.GetType(), Collection: rec.GetName(), VersionIndex: -1, Size: m.Size(), FileCount: int64(len(m.Entries)),
		Metadata: rec.GetMetadata(), Description: rec.GetDescription(), Aliases: slices.Clone(rec.GetAliases()),
	}
	if o.Type != "" && o.Type != a.Type {
		return fail(fmt.Errorf("%w: it is a %s, want a %s", wandbartifact.ErrType, a.Type, o.Type))
	}
	if check != nil {
		if err := check(&a); err != nil {
			return fail(err)
		}
	}
	again := proto.Clone(rec).(*wandbpb.ArtifactRecord)
	again.UseAfterCommit = true
	if err := r.record(&wandbpb.Record{RecordType: &wandbpb.Record_Artifact{Artifact: again}}); err != nil {
		return fail(err)
	}
	version.Version = rec.GetDigest()
	return &UsedArtifact{Artifact: a, ref: version, local: m}, nil
}

// findMade returns the newest version that this run has logged under a name,
// with an alias or a digest.
func (r *Run) findMade(name, version string) *wandbpb.ArtifactRecord {
	r.logMu.Lock()
	defer r.logMu.Unlock()
	for _, rec := range slices.Backward(r.made) {
		if rec.GetName() == name && (rec.GetDigest() == version || slices.Contains(rec.GetAliases(), version)) {
			return rec
		}
	}
	return nil
}
