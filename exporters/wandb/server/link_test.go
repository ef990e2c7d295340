package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	link = `mutation L($i: LinkArtifactInput!) {linkArtifact(input: $i) {versionIndex artifactMembership {
		versionIndex aliases {alias} artifactCollection {__typename id name project {name entity {name}}} artifact {id}}}}`
	member = `query M($e: String!, $p: String!, $n: String!) {project(name: $p, entityName: $e) {artifactCollectionMembership(name: $n) {
		versionIndex aliases {alias} artifactCollection {__typename name} artifact {id artifactMemberships {edges {node {artifactCollection {name}}}}}}}}`
)

// linked renders what a portfolio has under a name.
func (s *site) linked(entity, project, name string) string {
	s.t.Helper()
	m := s.must(member, object{"e": entity, "p": project, "n": name}, "project", "artifactCollectionMembership")
	if m == nil {
		return "none"
	}
	out := fmt.Sprintf("v%v %v", at(m, "versionIndex"), at(m, "artifactCollection", "__typename"))
	for i := 0; at(m, "aliases", i) != nil; i++ {
		out += fmt.Sprintf(" %v", at(m, "aliases", i, "alias"))
	}
	return out
}

// TestLink puts versions into a registry, where they have numbers and aliases
// of that registry.
func TestLink(t *testing.T) {
	s := artifacts(t)
	v0 := s.log(draft{name: "data", files: map[string]string{"a": "1"}, more: object{"clientID": "me"}})
	v1 := s.log(draft{name: "data", files: map[string]string{"a": "2"}})
	in := object{"artifactPortfolioName": "best", "entityName": "local-org", "projectName": "wandb-registry-data", "artifactID": v1,
		"aliases": []any{object{"artifactCollectionName": "best", "alias": "prod"}}}
	if got := s.must(link, object{"i": in}, "linkArtifact", "versionIndex"); got != 0.0 {
		t.Errorf("first link: got version %v, want 0", got)
	}
	delete(in, "artifactID")
	in["clientID"] = "me"
	payload := s.must(link, object{"i": in}, "linkArtifact")
	if at(payload, "versionIndex") != 1.0 || at(payload, "artifactMembership", "artifact", "id") != v0 {
		t.Errorf("second link: got %v, want version 1 of %s", payload, v0)
	}
	if got := s.must(link, object{"i": in}, "linkArtifact", "versionIndex"); got != 1.0 {
		t.Errorf("the same link again: got version %v, want 1", got)
	}
	for name, want := range map[string]string{"best:v0": "v0 ArtifactPortfolio", "best:prod": "v1 ArtifactPortfolio prod latest", "best": "v1 ArtifactPortfolio prod latest", "best:x": "none"} {
		if got := s.linked("local-org", "wandb-registry-data", name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	s.want("data:latest", "v1 1 files 1 bytes latest a=2")
	s.must(`mutation U($i: UnlinkArtifactInput!) {unlinkArtifact(input: $i) {success}}`, object{"i": object{"artifactID": v0,
		"artifactPortfolioID": at(payload, "artifactMembership", "artifactCollection", "id")}})
	if got := s.linked("local-org", "wandb-registry-data", "best:prod"); got != "none" {
		t.Errorf("after unlink: got %q, want none", got)
	}
	s.noViolations()
}

// TestAliases moves and deletes aliases of a version.
func TestAliases(t *testing.T) {
	s := artifacts(t)
	v0 := s.log(draft{name: "data", files: map[string]string{"a": "1"}, aliases: []string{"x"}})
	v1 := s.log(draft{name: "data", files: map[string]string{"a": "2"}})
	in := object{"i": object{"artifactID": v1, "aliases": []any{object{"artifactCollectionName": "data", "alias": "x"}}}}
	s.must(`mutation A($i: AddAliasesInput!) {addAliases(input: $i) {success}}`, in)
	s.want("data:x", "v1 1 files 1 bytes latest x a=2")
	s.must(`mutation D($i: DeleteAliasesInput!) {deleteAliases(input: $i) {success}}`, in)
	s.want("data:x", "none")
	s.must(`mutation U($i: UpdateArtifactInput!) {updateArtifact(input: $i) {artifact {id}}}`, object{"i": object{"artifactID": v0,
		"aliases": []any{object{"artifactCollectionName": "data", "alias": "y"}}, "metadata": `{"k":1}`, "tagsToAdd": []any{object{"tagName": "good one"}}}})
	s.want("data:y", "v0 1 files 1 bytes y a=1")
	a := s.must(byName, object{"n": "data:y"}, "project", "artifact")
	if at(a, "metadata") != `{"k":1}` || at(a, "tags", 0, "name") != "good one" {
		t.Errorf("got metadata %v, tags %v", at(a, "metadata"), at(a, "tags"))
	}
	s.noViolations()
}

// TestDelete: a version that is deleted is not found, and its number is not
// given again.
func TestDelete(t *testing.T) {
	s := artifacts(t)
	s.log(draft{name: "data", files: map[string]string{"a": "1"}})
	v1 := s.log(draft{name: "data", files: map[string]string{"a": "2"}})
	const remove = `mutation D($a: ID!, $al: Boolean) {deleteArtifact(input: {artifactID: $a, deleteAliases: $al}) {artifact {id}}}`
	if _, err := s.query(remove, object{"a": v1}); err == nil || !strings.Contains(err.Error(), "latest") {
		t.Errorf("a version with an alias: got %v, want an error that names it", err)
	}
	s.must(remove, object{"a": v1, "al": true})
	s.want("data:v1", "none")
	s.want("data:latest", "none")
	if id := s.log(draft{name: "data", files: map[string]string{"a": "2"}}); id == v1 {
		t.Error("the same content again is the deleted version")
	}
	s.want("data:latest", "v2 1 files 1 bytes latest a=2")
}

// TestProjects lists what an entity has.
func TestProjects(t *testing.T) {
	s := artifacts(t)
	s.must(`mutation W {upsertSweep(input: {projectName: "p", entityName: "local", config: "{\"method\":\"grid\",\"parameters\":{\"a\":{\"value\":1}}}"}) {sweep {name}}}`, nil)
	got := s.must(`query P {models(entityName: "local") {edges {node {name sweeps {edges {node {method}}} totalSweeps}}}}`, nil, "models", "edges")
	if at(got, 0, "node", "name") != "p" || at(got, 1) != nil || at(got, 0, "node", "totalSweeps") != 1.0 || at(got, 0, "node", "sweeps", "edges", 0, "node", "method") != "grid" {
		t.Errorf("got %v", got)
	}
	s.noViolations()
}

// TestArtifactRefused: what is wrong with an artifact is said, and noted.
func TestArtifactRefused(t *testing.T) {
	s := artifacts(t)
	files := map[string]string{"a": "1"}
	s.log(draft{name: "data", files: files})
	pending, _ := s.create(draft{name: "data", files: map[string]string{"a": "2"}})
	create := func(more object) func() error {
		return func() error {
			in := object{"entityName": "local", "projectName": "p", "artifactTypeName": "dataset", "artifactCollectionName": "new",
				"digest": strings.Repeat("a", 32), "digestAlgorithm": "MANIFEST_MD5", "enableDigestDeduplication": true}
			for k, v := range more {
				in[k] = v
			}
			_, err := s.query(createArtifact, object{"input": in})
			return err
		}
	}
	ask := func(text string, vars object) func() error {
		return func() error { _, err := s.query(text, vars); return err }
	}
	many := "{"
	for i := range 101 {
		many += fmt.Sprintf(`"k%d":1,`, i)
	}
	many = strings.TrimSuffix(many, ",") + "}"
	for _, c := range []struct {
		name string
		do   func() error
		says string
	}{
		{"name", create(object{"artifactCollectionName": "a b"}), "artifact name"},
		{"long name", create(object{"artifactCollectionName": strings.Repeat("n", 129)}), "artifact name"},
		{"type", create(object{"artifactTypeName": "a/b"}), "artifact type"},
		{"other type", create(object{"artifactCollectionName": "data", "artifactTypeName": "model"}), "holds artifacts of type"},
		{"digest", create(object{"digest": "xyz"}), "digest"},
		{"metadata", create(object{"metadata": many}), "101 keys"},
		{"metadata list", create(object{"metadata": "[1]"}), "metadata"},
		{"infinite metadata", create(object{"metadata": `{"a":Infinity}`}), "metadata"},
		{"alias", create(object{"aliases": []any{object{"artifactCollectionName": "new", "alias": "v7"}}}), "alias"},
		{"alias of another", create(object{"aliases": []any{object{"artifactCollectionName": "old", "alias": "x"}}}), "not \"new\""},
		{"tag", create(object{"tags": []any{object{"tagName": "a:b"}}}), "tag"},
		{"run", create(object{"runName": "nobody"}), "nobody"},
		{"field", create(object{"digestt": "x"}), "digestt"},
		{"file without artifact", ask(createFiles, object{"files": []any{object{"artifactID": "x", "name": "a", "md5": b64("1")}}}), "takes no more files"},
		{"file with hex MD5", ask(createFiles, object{"files": []any{object{"artifactID": pending, "name": "a", "md5": hexOf("1")}}}), "no base64 MD5"},
		{"commit without manifest", ask(commitArtifact, object{"a": pending}), "no manifest was uploaded"},
		{"commit of nothing", ask(commitArtifact, object{"a": "x"}), "no such artifact"},
		{"foreign registry", ask(link, object{"i": object{"artifactPortfolioName": "b", "entityName": "local", "projectName": "wandb-registry-x", "artifactID": pending}}), "belongs to"},
		{"two ids", ask(link, object{"i": object{"artifactPortfolioName": "b", "entityName": "local", "projectName": "p", "artifactID": pending, "clientID": "c"}}), "one of"},
	} {
		before := len(s.Violations())
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.says)
		}
		if n := len(s.Violations()) - before; n != 1 {
			t.Errorf("%s: got %d violations, want 1", c.name, n)
		}
	}
}

// TestCommitVerifies: a manifest that does not tell the truth makes no version.
func TestCommitVerifies(t *testing.T) {
	s := artifacts(t)
	good := map[string]string{"a": "1"}
	for _, c := range []struct {
		name, from, to, says string
	}{
		{"file", b64("1"), b64("never sent"), "was not uploaded"},
		{"size", `"size":1`, `"size":2`, "has 1 bytes, the manifest says 2"},
		{"path", `"a":{`, `"b":{`, "was announced with"},
		{"version", `"version":1`, `"version":2`, "version 2"},
		{"birth", `"size":1`, `"size":1,"birthArtifactID":"QQ=="`, "birth artifact"},
	} {
		id, _ := s.create(draft{name: "data", files: good})
		s.upload(id, good)
		text, _ := manifestOf(good, "")
		text = []byte(strings.Replace(string(text), c.from, c.to, 1))
		vars := object{"a": id, "digest": b64(string(text)), "type": "FULL", "run": "r1", "up": true}
		url := s.must(createManifest, vars, "createArtifactManifest", "artifactManifest", "file", "uploadUrl")
		if status := s.put(url, append(text, ' ')); status != http.StatusBadRequest {
			t.Errorf("%s: a manifest with another digest: got status %d, want 400", c.name, status)
		}
		if status := s.put(url, text); status != http.StatusOK {
			t.Fatalf("%s: upload of the manifest: status %d", c.name, status)
		}
		if _, err := s.query(commitArtifact, object{"a": id}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.says)
		}
	}
	s.want("data", "none")
}
