package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// artifacts is a site with a run that makes artifacts.
func artifacts(t *testing.T) *site {
	s := newSite(t, server.Options{Dir: t.TempDir()})
	s.run("r1")
	return s
}

// version finds an artifact by name and renders what a test looks at.
func (s *site) version(name string) string {
	s.t.Helper()
	a := s.must(byName, object{"n": name}, "project", "artifact")
	if a == nil {
		return "none"
	}
	out := fmt.Sprintf("v%v %v files %v bytes", at(a, "versionIndex"), at(a, "fileCount"), at(a, "size"))
	for i := 0; at(a, "aliases", i) != nil; i++ {
		out += fmt.Sprintf(" %v", at(a, "aliases", i, "alias"))
	}
	for i := 0; at(a, "files", "edges", i) != nil; i++ {
		_, text, _ := s.send(http.MethodGet, at(a, "files", "edges", i, "node", "directUrl").(string), nil, nil)
		out += fmt.Sprintf(" %v=%s", at(a, "files", "edges", i, "node", "name"), text)
	}
	return out
}

func (s *site) want(name, want string) {
	s.t.Helper()
	if got := s.version(name); got != want {
		s.t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

// TestVersions logs content, the same content and other content.
func TestVersions(t *testing.T) {
	s := artifacts(t)
	first := s.log(draft{name: "data", files: map[string]string{"a.txt": "hello\n", "b/c": "x"}, aliases: []string{"latest", "best"}})
	s.want("data:v0", "v0 2 files 7 bytes latest best a.txt=hello\n b/c=x")
	if again := s.log(draft{name: "data", files: map[string]string{"a.txt": "hello\n", "b/c": "x"}, aliases: []string{"again"}}); again != first {
		t.Errorf("the same content: got artifact %s, want %s", again, first)
	}
	id, state := s.create(draft{name: "data", files: map[string]string{"a.txt": "hello\n", "d": "y"}, aliases: []string{"latest", "best"}})
	if state != "PENDING" {
		t.Fatalf("other content: got state %s", state)
	}
	if asked := s.upload(id, map[string]string{"a.txt": "hello\n", "d": "y"}); asked != 1 {
		t.Errorf("got %d uploads, want 1: a.txt is stored", asked)
	}
	s.manifest(id, draft{name: "data", files: map[string]string{"a.txt": "hello\n", "d": "y"}})
	s.want("data:v1", "none")
	for range 2 { // a lost answer makes clients ask again
		s.must(commitArtifact, object{"a": id})
	}
	s.want("data:v0", "v0 2 files 7 bytes again a.txt=hello\n b/c=x")
	s.want("data:best", "v1 2 files 7 bytes latest best a.txt=hello\n d=y")
	s.want("data", "v1 2 files 7 bytes latest best a.txt=hello\n d=y")
	s.noViolations()
	run, err := s.Run("local", "p", "r1")
	if err != nil || !slices.Equal(run.Logged, []string{first, id}) {
		t.Errorf("artifacts of the run: got %q, %v, want %q", run.Logged, err, []string{first, id})
	}
}

// TestIncremental merges changes with the version before.
func TestIncremental(t *testing.T) {
	s := artifacts(t)
	s.log(draft{name: "data", files: map[string]string{"a": "1", "b": "2"}})
	s.log(draft{name: "data", files: map[string]string{"b": "3", "c": "4"}, kind: "INCREMENTAL"})
	s.want("data:v1", "v1 3 files 3 bytes latest a=1 b=3 c=4")
	_, digest := manifestOf(map[string]string{"a": "1", "b": "3", "c": "4"}, "")
	a := s.must(byName, object{"n": "data:v1"}, "project", "artifact")
	if at(a, "digest") != digest {
		t.Errorf("digest: got %v, want %s", at(a, "digest"), digest)
	}
	_, text, _ := s.send(http.MethodGet, at(a, "currentManifest", "file", "directUrl").(string), nil, nil)
	for _, path := range []string{`"a":`, `"b":`, `"c":`} {
		if !strings.Contains(text, path) {
			t.Errorf("the merged manifest has no %s: %s", path, text)
		}
	}
	s.noViolations()
}

// TestDistributed makes one version of the parts of two writers.
func TestDistributed(t *testing.T) {
	s := artifacts(t)
	var ids [2]string
	for i, files := range []map[string]string{{"a": "1"}, {"b": "2"}} {
		d := draft{name: "shards", files: files, kind: "PATCH", more: object{"distributedID": "group", "clientID": fmt.Sprint("writer", i)}}
		id, state := s.create(d)
		if state != "PENDING" {
			t.Fatalf("writer %d: got state %s", i, state)
		}
		s.upload(id, files)
		s.manifest(id, d)
		ids[i] = id
	}
	if ids[0] != ids[1] {
		t.Errorf("got artifacts %q, want one", ids)
	}
	s.must(commitArtifact, object{"a": ids[0]})
	s.want("shards:v0", "v0 2 files 2 bytes latest a=1 b=2")
	s.noViolations()
}

// TestSameClientID: a request to create that comes again makes one artifact.
func TestSameClientID(t *testing.T) {
	s := artifacts(t)
	d := draft{name: "data", files: map[string]string{"a": "1"}, more: object{"clientID": "me"}}
	first, _ := s.create(d)
	if again, _ := s.create(d); again != first {
		t.Errorf("got artifact %s, want %s", again, first)
	}
	got := s.must(`query Q($c: ID!) {clientIDMapping(clientID: $c) {serverID}}`, object{"c": "me"}, "clientIDMapping", "serverID")
	if got != first {
		t.Errorf("client id: got %v, want %s", got, first)
	}
	s.noViolations()
}

// TestMultipart uploads a file in two parts.
func TestMultipart(t *testing.T) {
	s := artifacts(t)
	parts := []string{"first half,", "second half"}
	whole := map[string]string{"big": strings.Join(parts, "")}
	d := draft{name: "data", files: whole}
	id, _ := s.create(d)
	var specs, done []any
	for i, p := range parts {
		specs = append(specs, object{"partNumber": i + 1, "hexMD5": hexOf(p)})
	}
	node := s.must(createFiles, object{"files": []any{object{"artifactID": id, "name": "big", "md5": b64(whole["big"]), "uploadPartsInput": specs}}},
		"createArtifactFiles", "files", "edges", 0, "node")
	for i, p := range parts {
		url := at(node, "uploadMultipartUrls", "uploadUrlParts", i, "uploadUrl").(string)
		status, answer, head := s.send(http.MethodPut, url, []byte(p), map[string]string{"Content-MD5": b64(p)})
		if status != http.StatusOK || head.Get("ETag") == "" {
			t.Fatalf("part %d: got %d %s, ETag %q", i+1, status, answer, head.Get("ETag"))
		}
		done = append(done, object{"partNumber": i + 1, "hexMD5": head.Get("ETag")})
	}
	vars := object{"a": id, "s": at(node, "storagePath"), "u": at(node, "uploadMultipartUrls", "uploadID"), "parts": done}
	for range 2 {
		got := s.must(`mutation C($a: ID!, $s: String!, $u: String!, $parts: [UploadPartsInput!]!) {completeMultipartUploadArtifact(input: {
			completeMultipartAction: Complete, completedParts: $parts, artifactID: $a, storagePath: $s, uploadID: $u}) {digest}}`,
			vars, "completeMultipartUploadArtifact", "digest")
		if got != b64(whole["big"]) {
			t.Errorf("digest: got %v, want %s", got, b64(whole["big"]))
		}
	}
	s.manifest(id, d)
	s.must(commitArtifact, object{"a": id})
	s.want("data:v0", "v0 1 files 22 bytes latest big=first half,second half")
	s.noViolations()
}

// TestUse tells runs and artifacts of each other.
func TestUse(t *testing.T) {
	s := artifacts(t)
	s.run("r2")
	id := s.log(draft{name: "data", files: map[string]string{"a": "1"}})
	for range 2 {
		s.must(`mutation U($i: UseArtifactInput!) {useArtifact(input: $i) {artifact {id}}}`,
			object{"i": object{"artifactID": id, "entityName": "local", "projectName": "p", "runName": "r2", "usedAs": "train"}})
	}
	a := s.must(byName, object{"n": "data:latest"}, "project", "artifact")
	if at(a, "usedBy", "edges", 0, "node", "name") != "r2" || at(a, "usedBy", "edges", 1) != nil || at(a, "createdBy", "name") != "r1" {
		t.Errorf("got used by %v, created by %v; want r2 once and r1", at(a, "usedBy"), at(a, "createdBy"))
	}
	run, err := s.Run("local", "p", "r2")
	if err != nil || len(run.Used) != 1 || run.Used[0].Artifact != id || run.Used[0].As != "train" {
		t.Errorf("used artifacts: got %+v, %v", run.Used, err)
	}
	s.noViolations()
}

// TestReopen finds versions again after a restart, in a directory that people
// can read.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	first := newSite(t, server.Options{Dir: dir})
	first.run("r1")
	first.log(draft{name: "data", files: map[string]string{"a": "1"}, aliases: []string{"best"}})
	second := newSite(t, server.Options{Dir: dir})
	second.want("data:best", "v0 1 files 1 bytes best latest a=1")
	second.log(draft{name: "data", files: map[string]string{"a": "2"}})
	second.want("data:latest", "v1 1 files 1 bytes latest a=2")
	second.noViolations()
}

// TestReference keeps an entry that stands for something elsewhere: nothing is
// uploaded for it, and readers get what it stands for.
func TestReference(t *testing.T) {
	s := artifacts(t)
	text := []byte(`{"version":1,"storagePolicy":"wandb-storage-policy-v1","storagePolicyConfig":{"storageLayout":"V2"},
		"contents":{"far":{"digest":"etag-1","ref":"s3://bucket/key","size":7,"extra":{"etag":"etag-1"}}}}`)
	id, _ := s.create(draft{name: "data", more: object{"digest": hexOf("wandb-artifact-manifest-v1\nfar:etag-1\n")}})
	vars := object{"a": id, "digest": b64(string(text)), "type": "FULL", "run": "r1", "up": true}
	s.put(s.must(createManifest, vars, "createArtifactManifest", "artifactManifest", "file", "uploadUrl"), text)
	s.must(commitArtifact, object{"a": id})
	a := s.must(byName, object{"n": "data:v0"}, "project", "artifact")
	if got := at(a, "files", "edges", 0, "node", "directUrl"); got != "s3://bucket/key" || at(a, "size") != 7.0 {
		t.Errorf("got URL %v, size %v", got, at(a, "size"))
	}
	s.noViolations()
}
