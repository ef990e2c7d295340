package wandb_test

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// recording is what a client asked of a server, without what depends on time,
// chance and machine: how requests were cut and how often they came.
type recording struct {
	Order      map[string][]string  `json:"order"`      // by subject: operations in the order in which they first came
	Operations map[string][]any     `json:"operations"` // variables, by operation; equal ones once
	Streams    map[string]streamSum `json:"streams"`    // file stream, by run
	Uploads    []string             `json:"uploads"`    // what was put where
}

// streamSum is all that was sent for one run.
type streamSum struct {
	Files      map[string][]any `json:"files"` // lines; of the summary the last one
	Uploaded   []string         `json:"uploaded,omitempty"`
	Preempting bool             `json:"preempting,omitempty"`
	Complete   int              `json:"complete"` // how many requests said so
	ExitCode   any              `json:"exitcode"`
	Other      []string         `json:"other,omitempty"` // fields that are not known here
}

// chains are the operations whose order is a matter of cause, not of chance.
var chains = map[string][]string{
	"run":      {"RunResumeStatus", "RewindRun", "UpsertBucket", "file_stream", "complete"},
	"artifact": {"CreateArtifact", "CreateArtifactManifest", "CreateArtifactFiles", "UpdateArtifactManifest", "CommitArtifact", "LinkArtifact"},
}

// polled are operations that come as often as time allows; unsure are those
// that a short run may end without.
var (
	polled = []string{"RunStoppedStatus", "Heartbeat"}
	unsure = []string{"OrganizationCoreWeaveOrganizationID"}
)

// recordingOf sums up what was asked since the start of the server.
func (p *proof) recordingOf() recording {
	p.mu.Lock()
	requests := slices.Clone(p.requests)
	p.mu.Unlock()
	for i := range requests {
		requests[i].Variables = []byte(p.aliased(string(requests[i].Variables)))
		requests[i].Path = p.aliased(requests[i].Path)
		requests[i].Body = []byte(p.aliased(string(requests[i].Body)))
	}
	r := recording{Order: map[string][]string{}, Operations: map[string][]any{}, Streams: map[string]streamSum{}, Uploads: []string{}}
	for _, req := range requests {
		switch {
		case req.Operation == "file_stream":
			r.came("file_stream")
			r.stream(p, req)
		case req.Method == "PUT":
			r.upload(p, req)
		case req.Operation != "" && !slices.Contains(unsure, req.Operation):
			r.came(req.Operation)
			r.operation(p, req)
		}
	}
	for op, list := range r.Operations {
		if op == "UpsertBucket" {
			r.Operations[op] = foldUpserts(list)
			continue
		}
		list = slices.CompactFunc(sortJSON(list), func(a, b any) bool { return jsonText(a) == jsonText(b) })
		r.Operations[op] = list
		if slices.Contains(polled, op) {
			r.Operations[op] = list[:1]
		}
	}
	r.Operations["CreateRunFiles"] = joinFiles(r.Operations["CreateRunFiles"])
	r.leaveOutOwnWords()
	r.leaveOutFile("", "wandb-metadata.json") // measured beside the run, which may have ended
	slices.Sort(r.Uploads)
	r.Uploads = slices.Compact(r.Uploads)
	return r
}

// came notes that an operation came.
func (r *recording) came(op string) {
	for subject, chain := range chains {
		if slices.Contains(chain, op) && !slices.Contains(r.Order[subject], op) {
			r.Order[subject] = append(r.Order[subject], op)
		}
	}
}

// jsonVariables hold JSON as text.
var jsonVariables = []string{"config", "metadata", "summaryMetrics", "spec"}

func (r *recording) operation(p *proof, req server.Request) {
	vars := map[string]any{}
	if len(req.Variables) > 0 && string(req.Variables) != "null" {
		vars = p.object(string(req.Variables))
	}
	if input, ok := vars["input"].(map[string]any); ok && len(vars) == 1 {
		vars = input
	}
	r.Operations[req.Operation] = append(r.Operations[req.Operation], normal("", expand(p, "", vars)))
}

// expand decodes JSON in variables, and leaves out what is null: to the server
// that and absent are one.
func expand(p *proof, key string, v any) any {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "{") && slices.Contains(jsonVariables, key) {
			return p.object(v)
		}
	case []any:
		for i := range v {
			v[i] = expand(p, "", v[i])
		}
	case map[string]any:
		for k, e := range v {
			if e == nil {
				delete(v, k)
				continue
			}
			v[k] = expand(p, k, e)
		}
	}
	return v
}

// foldUpserts keeps of each run how it began and what the later calls make of
// it: how many there are is a matter of time.
func foldUpserts(list []any) []any {
	first, later := map[any]map[string]any{}, map[any]map[string]any{}
	var runs []any
	for _, e := range list {
		vars, _ := e.(map[string]any)
		name := vars["name"]
		if first[name] == nil {
			first[name], later[name] = vars, map[string]any{}
			runs = append(runs, name)
			continue
		}
		for k, v := range vars {
			later[name][k] = v
		}
	}
	var out []any
	for _, name := range runs {
		out = append(out, map[string]any{"first": first[name], "later": later[name]})
	}
	return out
}

// joinFiles makes one request of those that ask for places of a run's files.
func joinFiles(list []any) []any {
	byRun := map[any]map[string]any{}
	for _, e := range list {
		vars, _ := e.(map[string]any)
		run := vars["run"]
		files, _ := vars["files"].([]any)
		if byRun[run] == nil {
			byRun[run] = vars
			continue
		}
		old, _ := byRun[run]["files"].([]any)
		byRun[run]["files"] = append(old, files...)
	}
	var out []any
	for _, vars := range byRun {
		files, _ := vars["files"].([]any)
		vars["files"] = slices.CompactFunc(sortJSON(files), func(a, b any) bool { return a == b })
		out = append(out, vars)
	}
	slices.SortFunc(out, func(a, b any) int {
		return strings.Compare(jsonText(a.(map[string]any)["run"]), jsonText(b.(map[string]any)["run"]))
	})
	return out
}

// leaveOutOwnWords takes away what a client itself said on the console. Where
// nothing else was said there is no console.
func (r *recording) leaveOutOwnWords() {
	for run, sum := range r.Streams {
		lines := slices.DeleteFunc(sum.Files["output.log"], func(line any) bool {
			text, _ := line.(string)
			return strings.Contains(text, "wandb: ")
		})
		if len(lines) > 0 {
			sum.Files["output.log"] = lines
			continue
		}
		delete(sum.Files, "output.log")
		r.leaveOutFile(run, "output.log")
	}
}

// leaveOutFile takes away that a file of a run, or "" of all, was sent.
func (r *recording) leaveOutFile(of, name string) {
	for run, sum := range r.Streams {
		if of != "" && run != of {
			continue
		}
		sum.Uploaded = slices.DeleteFunc(sum.Uploaded, func(n string) bool { return n == name })
		r.Streams[run] = sum
		r.Uploads = slices.DeleteFunc(r.Uploads, func(up string) bool { return up == "run file "+run+" "+name })
		for _, e := range r.Operations["CreateRunFiles"] {
			if vars, _ := e.(map[string]any); vars["run"] == run {
				files, _ := vars["files"].([]any)
				vars["files"] = slices.DeleteFunc(files, func(n any) bool { return n == name })
			}
		}
	}
}

// streamRequest is the body of a request of the file stream.
type streamRequest struct {
	Files map[string]struct {
		Offset  int      `json:"offset"`
		Content []string `json:"content"`
	} `json:"files"`
	Uploaded   []string `json:"uploaded"`
	Preempting bool     `json:"preempting"`
	Complete   bool     `json:"complete"`
	ExitCode   any      `json:"exitcode"`
}

func (r *recording) stream(p *proof, req server.Request) {
	var body streamRequest
	if err := json.Unmarshal(req.Body, &body); err != nil {
		p.t.Errorf("file stream request %d: %v", req.Seq, err)
	}
	run := req.Path[:strings.LastIndexByte(req.Path, '/')]
	run = run[strings.LastIndexByte(run, '/')+1:]
	sum, ok := r.Streams[run]
	if !ok {
		sum.Files = map[string][]any{}
	}
	for name, f := range body.Files {
		if name == "wandb-events.jsonl" {
			continue // how many samples there are is a matter of time
		}
		lines := sum.Files[name]
		if req.Header.Get("X-Wandb-Async-Client-Id") != "" && name != "wandb-summary.json" {
			for _, line := range f.Content { // each writer numbers its own
				lines = append(lines, normalLine(p, name, line))
			}
			sum.Files[name] = sortJSON(lines)
			continue
		}
		for i, line := range f.Content {
			at := f.Offset + i
			for len(lines) <= at {
				lines = append(lines, nil) // of an earlier session
			}
			lines[at] = normalLine(p, name, line)
		}
		sum.Files[name] = lines
	}
	sum.Uploaded = append(sum.Uploaded, body.Uploaded...)
	slices.Sort(sum.Uploaded)
	sum.Uploaded = slices.Compact(sum.Uploaded)
	sum.Preempting = sum.Preempting || body.Preempting
	if body.Complete {
		r.came("complete")
		sum.Complete++
		sum.ExitCode = plain(body.ExitCode)
	}
	r.Streams[run] = sum
}

func normalLine(p *proof, name, line string) any {
	if strings.HasSuffix(name, ".log") {
		return normal("", line)
	}
	return normal("", decode(p.t, line))
}

// upload notes a file that was put.
func (r *recording) upload(p *proof, req server.Request) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(req.Path, "/storage/"), "/")
	if kind != "run" {
		r.Uploads = append(r.Uploads, kind)
		return
	}
	for _, id := range p.Runs(entity, p.project) {
		if name, ok := strings.CutPrefix(rest, p.stored(id).StorageID+"/"); ok {
			r.Uploads = append(r.Uploads, p.aliased("run file "+id+" "+name))
		}
	}
}
