package server_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

const (
	createArtifact = `mutation CreateArtifact($input: CreateArtifactInput!) {createArtifact(input: $input) {...C}}
		fragment C on CreateArtifactPayload {artifact {id state artifactSequence {latestArtifact {id}}}}`
	createManifest = `mutation M($a: ID!, $base: ID, $digest: String!, $type: ArtifactManifestType!, $run: String!, $up: Boolean!) {
		createArtifactManifest(input: {artifactID: $a, baseArtifactID: $base, name: "wandb_manifest.json", digest: $digest, entityName: "local",
		projectName: "p", runName: $run, type: $type}) {artifactManifest {id file {id uploadUrl @include(if: $up) uploadHeaders @include(if: $up)}}}}`
	updateManifest = `mutation U($m: ID!, $digest: String) {updateArtifactManifest(input: {artifactManifestID: $m, digest: $digest}) {
		artifactManifest {id file {id uploadUrl uploadHeaders}}}}`
	createFiles = `mutation F($files: [CreateArtifactFileSpecInput!]!) {createArtifactFiles(input: {artifactFiles: $files, storageLayout: V2}) {
		files {edges {node {storagePath uploadUrl uploadHeaders uploadMultipartUrls {uploadID uploadUrlParts {partNumber uploadUrl}} artifact {id}}}}}}`
	commitArtifact = `mutation C($a: ID!) {commitArtifact(input: {artifactID: $a}) {artifact {id digest versionIndex}}}`
	byName         = `query N($n: String!) {project(name: "p", entityName: "local") {artifact(name: $n) {
		id digest versionIndex size fileCount metadata aliases {alias} tags {name} currentManifest {file {directUrl}} usedBy {edges {node {name}}}
		createdBy {... on Run {name}} files {edges {node {name directUrl}}}}}}`
)

// draft is an artifact that a test makes.
type draft struct {
	name    string
	files   map[string]string
	aliases []string
	more    object // of the input
	kind    string // of the manifest; "" is FULL
}

func b64(text string) string {
	sum := md5.Sum([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// manifest makes the manifest of files, and the digest of what it lists.
func manifestOf(files map[string]string, birth string) (text []byte, digest string) {
	contents := object{}
	h := md5.New()
	fmt.Fprint(h, "wandb-artifact-manifest-v1\n")
	for _, path := range slices.Sorted(maps.Keys(files)) {
		entry := object{"digest": b64(files[path]), "size": len(files[path])}
		if birth != "" {
			entry["birthArtifactID"] = birth
		}
		contents[path] = entry
		fmt.Fprintf(h, "%s:%s\n", path, b64(files[path]))
	}
	text, _ = json.Marshal(object{"version": 1, "storagePolicy": "wandb-storage-policy-v1",
		"storagePolicyConfig": object{"storageLayout": "V2"}, "contents": contents})
	return text, hex.EncodeToString(h.Sum(nil))
}

// create announces a draft and returns id and state.
func (s *site) create(d draft) (id, state string) {
	s.t.Helper()
	_, digest := manifestOf(d.files, "")
	aliases := []any{}
	for _, a := range d.aliases {
		aliases = append(aliases, object{"artifactCollectionName": d.name, "alias": a})
	}
	in := object{"entityName": "local", "projectName": "p", "artifactTypeName": "dataset", "artifactCollectionName": d.name, "runName": "r1",
		"digest": digest, "digestAlgorithm": "MANIFEST_MD5", "aliases": aliases, "enableDigestDeduplication": true}
	maps.Copy(in, d.more)
	a := s.must(createArtifact, object{"input": in}, "createArtifact", "artifact")
	return at(a, "id").(string), at(a, "state").(string)
}

// put uploads to a signed URL.
func (s *site) put(url any, body []byte) int {
	s.t.Helper()
	status, _, _ := s.send(http.MethodPut, url.(string), body, nil)
	return status
}

// upload sends the files of a draft; it returns how many were asked for.
func (s *site) upload(id string, files map[string]string) (asked int) {
	s.t.Helper()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		spec := []any{object{"artifactID": id, "name": path, "md5": b64(files[path])}}
		url := s.must(createFiles, object{"files": spec}, "createArtifactFiles", "files", "edges", 0, "node", "uploadUrl")
		if url == nil {
			continue
		}
		asked++
		if status := s.put(url, []byte(files[path])); status != http.StatusOK {
			s.t.Fatalf("upload of %s: status %d", path, status)
		}
	}
	return asked
}

// manifest uploads the manifest of a draft as clients do.
func (s *site) manifest(id string, d draft) {
	s.t.Helper()
	text, _ := manifestOf(d.files, "")
	kind := d.kind
	if kind == "" {
		kind = "FULL"
	}
	vars := object{"a": id, "digest": "", "type": kind, "run": "r1", "up": false}
	m := s.must(createManifest, vars, "createArtifactManifest", "artifactManifest", "id")
	var url any
	if kind == "FULL" {
		vars["digest"], vars["up"] = b64(string(text)), true
		url = s.must(createManifest, vars, "createArtifactManifest", "artifactManifest", "file", "uploadUrl")
	} else {
		url = s.must(updateManifest, object{"m": m, "digest": b64(string(text))}, "updateArtifactManifest", "artifactManifest", "file", "uploadUrl")
	}
	if status := s.put(url, text); status != http.StatusOK {
		s.t.Fatalf("upload of the manifest: status %d", status)
	}
}

// log makes a version of a draft and returns its id.
func (s *site) log(d draft) string {
	s.t.Helper()
	id, state := s.create(d)
	if state == "COMMITTED" {
		return id
	}
	s.upload(id, d.files)
	s.manifest(id, d)
	s.must(commitArtifact, object{"a": id})
	return id
}

func hexOf(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}
