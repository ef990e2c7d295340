package server

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

type runFilesInput struct {
	EntityName, ProjectName, RunName string
	Files                            []string
}

type uploadFile struct {
	Name      string
	UploadURL *string
}

type createRunFilesPayload struct {
	RunID         graphql.ID
	UploadHeaders []string
	Files         []uploadFile
}

// CreateRunFiles hands out a URL a file.
func (r *resolver) CreateRunFiles(ctx context.Context, args struct{ Input runFilesInput }) (*createRunFilesPayload, error) {
	in := &args.Input
	found, err := r.find(in.EntityName, in.ProjectName, in.RunName)
	if err != nil {
		return nil, err
	}
	id := found.Facts().StorageID
	p := &createRunFilesPayload{RunID: graphql.ID(id), UploadHeaders: []string{}}
	for _, name := range in.Files {
		if err := found.CheckFile(name); err != nil {
			return nil, fmt.Errorf("run file %.200q: %w", name, err)
		}
		p.Files = append(p.Files, uploadFile{name, ptr(r.s.sign(ctx, "PUT", "run", id, name))})
	}
	return p, nil
}

// MarkRunFilesUploaded confirms transfers outside a live run.
func (r *resolver) MarkRunFilesUploaded(args struct{ Input runFilesInput }) (*success, error) {
	in := &args.Input
	found, err := r.find(in.EntityName, in.ProjectName, in.RunName)
	if err != nil {
		return nil, err
	}
	stored, err := found.Files()
	if err != nil {
		return nil, err
	}
	for _, name := range in.Files {
		if !slices.ContainsFunc(stored, func(f store.File) bool { return f.Name == name }) {
			return nil, fmt.Errorf("run file %q was not uploaded", name)
		}
	}
	return &success{Success: true}, found.Change(func(f *store.Facts) {
		f.Uploaded = append(f.Uploaded, in.Files...)
		slices.Sort(f.Uploaded)
		f.Uploaded = slices.Compact(f.Uploaded)
	})
}

// file is a stored file, of a run or of an artifact.
type file struct {
	ID                                 graphql.ID
	Name                               string
	DisplayName, DirectURL             *string
	SizeBytes                          Int64
	StoragePath, Mimetype, Digest, MD5 *string
	UpdatedAt                          *DateTime

	place *string // URL that needs credentials; nil: there is only DirectURL
}

// URL is where the file can be got with the client's own credentials, which
// clients send to it.
func (f *file) URL(struct{ Upload *bool }) *string {
	if f.place != nil {
		return f.place
	}
	return f.DirectURL
}

type fileConnection struct {
	Edges      []fileEdge
	PageInfo   pageInfo
	TotalCount int32
}

type fileEdge struct {
	Node   *file
	Cursor string
}

type fileArgs struct {
	Names   *[]*string
	After   *string
	First   *int32
	Pattern *string
	Upload  *bool
}

// Files lists files of the run; Pattern has % and _ as in SQL.
func (r *run) Files(ctx context.Context, args fileArgs) (fileConnection, error) {
	stored, err := r.s.Files()
	if err != nil {
		return fileConnection{}, err
	}
	var files []*file
	for _, f := range stored {
		if args.wants(f.Name) {
			direct := r.r.s.sign(ctx, "GET", "run", r.f.StorageID, f.Name)
			files = append(files, &file{ID: opaque("File", r.f.StorageID+f.Name), Name: f.Name, DisplayName: &f.Name, DirectURL: &direct,
				SizeBytes: Int64(f.Size), MD5: &f.MD5, Digest: &f.MD5, UpdatedAt: &DateTime{r.f.Heartbeat},
				place: ptr(place(ctx, "files", r.f.Entity, r.f.Project, r.f.Name, f.Name))})
		}
	}
	return connectFiles(files, args.After, args.First), nil
}

func (a *fileArgs) wants(name string) bool {
	if a.Pattern != nil && *a.Pattern != "" && !like(*a.Pattern, name) {
		return false
	}
	if a.Names == nil || len(*a.Names) == 0 {
		return true
	}
	return slices.ContainsFunc(*a.Names, func(n *string) bool { return n != nil && *n == name })
}

// like matches a pattern of SQL.
func like(pattern, name string) bool {
	glob := ""
	for _, c := range pattern {
		switch c {
		case '%':
			glob += "*"
		case '_':
			glob += "?"
		case '*', '?', '[', '\\':
			glob += "\\" + string(c)
		case '/':
			glob += "\x01"
		default:
			glob += string(c)
		}
	}
	flat := []byte(name)
	for i, c := range flat {
		if c == '/' {
			flat[i] = 1
		}
	}
	ok, err := path.Match(glob, string(flat))
	return ok && err == nil
}

func connectFiles(files []*file, after *string, first *int32) fileConnection {
	part, start, info := page(files, after, first)
	c := fileConnection{Edges: []fileEdge{}, PageInfo: info, TotalCount: int32(len(files))}
	for i, f := range part {
		c.Edges = append(c.Edges, fileEdge{f, strconv.Itoa(start + i + 1)})
	}
	return c
}

// FileCount counts the files of the run.
func (r *run) FileCount() int32 {
	files, _ := r.s.Files()
	return int32(len(files))
}
