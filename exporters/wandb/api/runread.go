package api

import (
	"context"
	"net/http"
)

// A StoredFile is a file of a run as the server keeps it.
type StoredFile struct {
	Name      string
	DirectURL string // where to Get it
	SizeBytes int64
	MD5       string // base64; "" when the server does not say
}

// A StoredRun is what RunFiles says of a run.
type StoredRun struct {
	Commit string // of git; "" when none was told
	Files  []StoredFile
}

var runFiles = operation{"RunFiles", `query RunFiles($project: String!, $entity: String!, $name: String!, $files: [String]) {
  project(name: $project, entityName: $entity) {
    run(name: $name) {
      commit
      files(names: $files, first: 1000) { edges { node { name directUrl sizeBytes md5 } } }
    }
  }
}`}

// RunFiles returns those of the files names that a run has, at most 1000. A run
// that the server does not know is an Error with NotFound.
func (c *Client) RunFiles(ctx context.Context, entity, project, run string, names []string) (*StoredRun, error) {
	var out struct {
		Project *struct {
			Run *struct {
				Commit string
				Files  struct{ Edges []struct{ Node StoredFile } }
			}
		}
	}
	v := vars{"entity": entity, "project": project, "name": run, "files": names}
	if err := c.query(ctx, runFiles, v, &out, GraphQL); err != nil {
		return nil, err
	}
	if out.Project == nil || out.Project.Run == nil {
		return nil, &Error{Op: runFiles.name, Status: http.StatusNotFound, Messages: []string{"no run " + entity + "/" + project + "/" + run}}
	}
	r := &StoredRun{Commit: out.Project.Run.Commit}
	for _, e := range out.Project.Run.Files.Edges {
		if e.Node.DirectURL != "" && e.Node.MD5 != "0" { // an MD5 of 0 is a file that was announced and never sent
			r.Files = append(r.Files, e.Node)
		}
	}
	return r, nil
}
