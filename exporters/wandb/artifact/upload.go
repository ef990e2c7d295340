package artifact

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"sync"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Sizes at which W&B's clients split files.
const (
	DefaultMultipart = 2 << 30
	DefaultPart      = 100 << 20
	maxParts         = 10_000
)

// Options of Upload.
type Options struct {
	Entity, Project, Run string // in the place of those of the record
	Step                 int64  // of the history at which it was logged; 0 unknown
	Staging              string // where staged files lie now, if the run's folder was moved

	Parallel  int   // transfers at a time; 16 when 0
	Multipart int64 // files of so many bytes go up in parts; DefaultMultipart when 0
	Part      int64 // bytes of a part; DefaultPart when 0

	Progress func(Progress) // told after each file; one call at a time
}

// A Progress says how far a transfer is.
type Progress struct {
	Files, FilesDone int
	Bytes, BytesDone int64
}

// A Result is what became of an upload.
type Result struct {
	ID        string // the server's
	Digest    string // hex
	Committed bool   // the version can be used; false when other writers still add to it
	Existed   bool   // the server had a version with this content
	Files     int    // sent
	Reused    int    // files that the server had already
	Bytes     int64  // sent
}

// Upload stores the artifact of a record and commits it. Repeated after any
// failure, by this or another process, it goes on with what is missing and makes
// no second version. A file that is not what it was when it was added is an error
// that is ErrChanged and names it; then nothing is committed. Versions of one
// name, and artifacts that refer to others, must go up in the order of the log:
// numbers follow the order of uploads, and a reference needs what it leads to.
func Upload(ctx context.Context, c *api.Client, rec *wandbpb.ArtifactRecord, o Options) (Result, error) {
	fail := func(err error) (Result, error) {
		return Result{}, fmt.Errorf("upload artifact %s: %w", rec.GetName(), err)
	}
	m, err := loadManifest(rec, o.Staging)
	if err != nil {
		return fail(err)
	}
	o = o.withDefaults(rec)
	u := &upload{client: c, rec: rec, o: o, manifest: m, slots: make(chan struct{}, o.Parallel)}
	if err := u.run(ctx); err != nil {
		return fail(err)
	}
	return u.result, nil
}

func (o Options) withDefaults(rec *wandbpb.ArtifactRecord) Options {
	or := func(a, b string) string {
		if a == "" {
			return b
		}
		return a
	}
	o.Entity, o.Project, o.Run = or(o.Entity, rec.GetEntity()), or(o.Project, rec.GetProject()), or(o.Run, rec.GetRunId())
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	if o.Multipart <= 0 {
		o.Multipart = DefaultMultipart
	}
	if o.Part <= 0 {
		o.Part = DefaultPart
	}
	return o
}

// An upload is one artifact on its way.
type upload struct {
	client   *api.Client
	rec      *wandbpb.ArtifactRecord
	o        Options
	manifest *Manifest
	stored   *api.Artifact // as the server keeps it
	result   Result
	slots    chan struct{} // one for each transfer at a time

	mu       sync.Mutex // guards progress and the counts of result
	progress Progress
}

func (u *upload) run(ctx context.Context) error {
	a, err := u.client.CreateArtifact(ctx, u.input())
	if err != nil {
		return err
	}
	u.stored, u.result.ID, u.result.Digest = a, a.ID, u.rec.GetDigest()
	switch a.State {
	case api.ArtifactCommitted:
		u.result.Existed, u.result.Committed = true, true
		return u.use(ctx)
	case api.ArtifactPending, api.ArtifactDeleted: // old servers revive a deleted one
	default:
		return fmt.Errorf("the server calls it %q", a.State)
	}
	if err := u.store(ctx); err != nil || !u.rec.GetFinalize() {
		return err
	}
	if _, err := u.client.CommitArtifact(ctx, a.ID); err != nil {
		return err
	}
	u.result.Committed = true
	return u.use(ctx)
}

func (u *upload) input() api.CreateArtifactInput {
	in := api.CreateArtifactInput{
		Entity: u.o.Entity, Project: u.o.Project, Run: u.o.Run, Type: u.rec.GetType(), Collection: u.rec.GetName(),
		Digest: u.rec.GetDigest(), Description: u.rec.GetDescription(), Aliases: u.rec.GetAliases(), Tags: u.rec.GetTags(),
		Metadata: u.rec.GetMetadata(), TTLSeconds: u.rec.GetTtlDurationSeconds(), HistoryStep: u.o.Step,
		DistributedID: u.rec.GetDistributedId(), ClientID: u.rec.GetClientId(), SequenceClientID: u.rec.GetSequenceClientId(),
		StorageRegion: u.manifest.Region,
	}
	if u.rec.GetUserCreated() {
		in.Run = ""
	}
	return in
}

// use marks the version as an input of the run, if the record asks for that.
func (u *upload) use(ctx context.Context) error {
	if !u.rec.GetUseAfterCommit() {
		return nil
	}
	return u.client.UseArtifact(ctx, api.UseArtifactInput{ArtifactID: u.stored.ID, Entity: u.o.Entity, Project: u.o.Project, Run: u.o.Run})
}

// store brings up the files, and then the manifest that names them.
func (u *upload) store(ctx context.Context) error {
	in := u.manifestInput()
	announced, err := u.client.CreateArtifactManifest(ctx, in)
	if err != nil {
		return err
	}
	if err := u.files(ctx, announced.ID); err != nil {
		return err
	}
	if err := u.resolveRefs(ctx); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := u.manifest.WriteJSON(&text); err != nil {
		return err
	}
	sum := md5.Sum(text.Bytes())
	target := announced
	if in.Type == api.ManifestFull {
		in.Digest, in.Upload = FormatSum(sum[:]), true
		target, err = u.client.CreateArtifactManifest(ctx, in)
	} else {
		target, err = u.client.UpdateArtifactManifest(ctx, announced.ID, FormatSum(sum[:]), in.BaseArtifactID, true)
	}
	if err != nil {
		return err
	}
	if _, err := u.client.Put(ctx, target.UploadURL, target.UploadHeaders, bytes.NewReader(text.Bytes()), int64(text.Len())); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return nil
}

func (u *upload) manifestInput() api.ManifestInput {
	in := api.ManifestInput{
		ArtifactID: u.stored.ID, BaseArtifactID: u.rec.GetBaseId(), Name: "wandb_manifest.json", Type: api.ManifestFull,
		Entity: u.o.Entity, Project: u.o.Project, Run: u.o.Run,
	}
	if in.BaseArtifactID == "" {
		in.BaseArtifactID = u.stored.LatestID
	}
	switch {
	case u.rec.GetIncrementalBeta1():
		in.Name, in.Type = "wandb_manifest.incremental.json", api.ManifestIncremental
	case u.rec.GetDistributedId() != "":
		in.Name, in.Type = "wandb_manifest.patch.json", api.ManifestPatch
	}
	return in
}

// resolveRefs replaces references by client ids, which nobody else knows, by
// those that the server gave.
func (u *upload) resolveRefs(ctx context.Context) error {
	ids := map[string]string{}
	for i := range u.manifest.Entries {
		e := &u.manifest.Entries[i]
		client, path, found := parseRef(e.Ref, clientScheme)
		if !found {
			continue
		}
		if ids[client] == "" {
			id, err := u.client.ClientIDMapping(ctx, client)
			if err != nil {
				return fmt.Errorf("%s refers to another artifact: %w", e.Path, err)
			}
			ids[client] = id
		}
		ref, err := serverRef(ids[client], path)
		if err != nil {
			return fmt.Errorf("%s refers to another artifact: %w", e.Path, err)
		}
		e.Ref = ref
	}
	return nil
}

// count adds a file that is done to what is told.
func (u *upload) count(e *Entry, reused bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if reused {
		u.result.Reused++
	} else {
		u.result.Files++
		u.result.Bytes += e.Size
	}
	u.progress.FilesDone++
	u.progress.BytesDone += e.Size
	if u.o.Progress != nil {
		u.o.Progress(u.progress)
	}
}

// isExpired says that a signed URL does not work, and that another one may.
func isExpired(err error) bool {
	var e *api.Error
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500
}
