package api

import "context"

// UploadURLs say where files go.
type UploadURLs struct {
	RunID   string
	Headers []string          // "Name:Value", for each Put of the batch
	URLs    map[string]string // by file name
}

var createRunFiles = operation{"CreateRunFiles", `mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
  createRunFiles(input: {entityName: $entity, projectName: $project, runName: $run, files: $files}) {
    runID
    uploadHeaders
    files { name uploadUrl }
  }
}`}

// CreateRunFiles asks where to Put the files of a run. names have slashes and
// are relative to the run's files; there is a URL for each of them.
func (c *Client) CreateRunFiles(ctx context.Context, entity, project, run string, names []string) (*UploadURLs, error) {
	var out struct {
		CreateRunFiles struct {
			RunID         string
			UploadHeaders []string
			Files         []struct{ Name, UploadURL string }
		}
	}
	if err := c.query(ctx, createRunFiles, runFileVars(entity, project, run, names), &out, GraphQL); err != nil {
		return nil, err
	}
	r := &UploadURLs{RunID: out.CreateRunFiles.RunID, Headers: out.CreateRunFiles.UploadHeaders, URLs: map[string]string{}}
	for _, f := range out.CreateRunFiles.Files {
		r.URLs[f.Name] = f.UploadURL
	}
	for _, name := range names {
		if r.URLs[name] == "" {
			return nil, lacking(createRunFiles, "URL for every file")
		}
	}
	return r, nil
}

func runFileVars(entity, project, run string, names []string) vars {
	if names == nil {
		names = []string{}
	}
	return vars{"entity": entity, "project": project, "run": run, "files": names}
}
