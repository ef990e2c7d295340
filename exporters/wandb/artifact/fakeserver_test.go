package artifact

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// fakeServer keeps artifacts in memory, and checks what it is told: no file, no
// manifest and no commit with a wrong digest.
type fakeServer struct {
	t      testing.TB
	http   *httptest.Server
	client *api.Client
	before func(op string, r *http.Request) (status int) // 0: go on

	mu        sync.Mutex
	ops       []string
	objects   map[string][]byte        // by hex MD5
	artifacts map[string]*fakeArtifact // by server id
	clients   map[string]string        // client id to server id
	uses      []string
	sending   int // Puts now
	most      int // Puts at a time
	urls      int // given out
	gets      int
}

type fakeArtifact struct {
	id, name, digest, state, base, kind string
	manifestSum                         string
	manifest                            []byte
	parts                               map[string][]string // hex MD5 of parts by path
}

func newFakeServer(t testing.TB) *fakeServer {
	s := &fakeServer{t: t, objects: map[string][]byte{}, artifacts: map[string]*fakeArtifact{}, clients: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /graphql", s.graphql)
	mux.HandleFunc("PUT /storage/{md5}", s.put)
	mux.HandleFunc("GET /storage/{md5}", s.get)
	mux.HandleFunc("PUT /manifest/{id}", s.putManifest)
	mux.HandleFunc("GET /manifest/{id}", s.getManifest)
	s.http = httptest.NewServer(mux)
	t.Cleanup(s.http.Close)
	var err error
	s.client, err = api.New(api.Options{BaseURL: s.http.URL, RetryMax: 2, RetryWaitMin: time.Millisecond, RetryWaitMax: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.CloseIdle)
	return s
}

type fakeInput = map[string]any

func text(v any) string {
	s, _ := v.(string)
	return s
}

func (s *fakeServer) graphql(w http.ResponseWriter, r *http.Request) {
	var q struct {
		OperationName string
		Variables     fakeInput
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		s.t.Errorf("graphql: %v", err)
	}
	if s.refused(w, q.OperationName, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ops = append(s.ops, q.OperationName)
	answer := map[string]func(fakeInput) any{
		"CreateArtifact": s.create, "CreateArtifactManifest": s.manifest, "UpdateArtifactManifest": s.update,
		"CreateArtifactFiles": s.files, "CompleteMultipartUploadArtifact": s.complete, "CommitArtifact": s.commit,
		"UseArtifact": s.use, "ClientIDMapping": s.mapping, "ArtifactMembershipByName": s.byName,
		"ArtifactManifest": s.manifestURL, "ArtifactFileURLsByManifestEntries": s.fileURLs,
		"ServerFeaturesQuery": func(fakeInput) any { return fakeInput{"serverInfo": nil} },
	}[q.OperationName]
	if answer == nil {
		s.t.Errorf("unknown operation %s", q.OperationName)
		http.NotFound(w, r)
		return
	}
	out := fakeInput{"data": answer(q.Variables)}
	if err, ok := out["data"].(error); ok {
		out = fakeInput{"data": nil, "errors": []any{fakeInput{"message": err.Error()}}}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *fakeServer) refused(w http.ResponseWriter, op string, r *http.Request) bool {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before == nil {
		return false
	}
	status := before(op, r)
	if status != 0 {
		w.WriteHeader(status)
	}
	return status != 0
}

func (s *fakeServer) create(v fakeInput) any {
	in := v["input"].(fakeInput)
	name, client := text(in["artifactCollectionName"]), text(in["clientID"])
	var latest any
	var found *fakeArtifact
	for _, id := range slices.Sorted(maps.Keys(s.artifacts)) {
		a := s.artifacts[id]
		if a.name == name && a.state == api.ArtifactCommitted {
			latest = fakeInput{"id": id}
			if a.digest == text(in["digest"]) {
				found = a
			}
		}
	}
	if id := s.clients[client]; id != "" && found == nil {
		found = s.artifacts[id]
	}
	if found == nil {
		id := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "Artifact:%03d", len(s.artifacts)))
		found = &fakeArtifact{id: id, name: name, digest: text(in["digest"]), state: api.ArtifactPending, parts: map[string][]string{}}
		s.artifacts[id] = found
	}
	s.clients[client] = found.id
	return fakeInput{"createArtifact": fakeInput{"artifact": fakeInput{"id": found.id, "state": found.state, "artifactSequence": fakeInput{"latestArtifact": latest}}}}
}

func (s *fakeServer) manifest(v fakeInput) any {
	a := s.artifacts[text(v["artifactID"])]
	a.base, a.kind, a.manifestSum = text(v["baseArtifactID"]), text(v["manifestType"]), text(v["digest"])
	return fakeInput{"createArtifactManifest": s.manifestAnswer(a)}
}

func (s *fakeServer) update(v fakeInput) any {
	a := s.artifacts[strings.TrimPrefix(text(v["artifactManifestID"]), "m-")]
	a.manifestSum = text(v["digest"])
	return fakeInput{"updateArtifactManifest": s.manifestAnswer(a)}
}

func (s *fakeServer) manifestAnswer(a *fakeArtifact) any {
	return fakeInput{"artifactManifest": fakeInput{"id": "m-" + a.id, "file": fakeInput{
		"id": "f", "uploadUrl": s.http.URL + "/manifest/" + a.id + "?sig=secret", "uploadHeaders": []string{"Content-Type:application/json"}}}}
}

func (s *fakeServer) files(v fakeInput) any {
	var edges []any
	for _, f := range v["artifactFiles"].([]any) {
		in := f.(fakeInput)
		sum, _ := ParseSum(text(in["md5"]))
		id := text(in["artifactID"])
		node := fakeInput{"storagePath": "p/" + hexSum(sum[:]), "artifact": fakeInput{"id": id}, "uploadHeaders": []string{"Content-Type:text/plain"}}
		parts, _ := in["uploadPartsInput"].([]any)
		switch {
		case s.objects[hexSum(sum[:])] != nil:
		case parts != nil:
			var list []any
			var sums []string
			for i, p := range parts {
				sums = append(sums, text(p.(fakeInput)["hexMD5"]))
				list = append(list, fakeInput{"partNumber": i + 1, "uploadUrl": s.http.URL + "/storage/" + sums[i] + "?sig=secret"})
			}
			s.artifacts[id].parts["p/"+hexSum(sum[:])] = sums
			node["uploadMultipartUrls"] = fakeInput{"uploadID": "u", "uploadUrlParts": list}
		default:
			s.urls++
			node["uploadUrl"] = fmt.Sprintf("%s/storage/%s?sig=secret&n=%d", s.http.URL, hexSum(sum[:]), s.urls)
		}
		edges = append(edges, fakeInput{"node": node})
	}
	return fakeInput{"createArtifactFiles": fakeInput{"files": fakeInput{"edges": edges}}}
}

func (s *fakeServer) put(w http.ResponseWriter, r *http.Request) {
	if s.refused(w, "PUT", r) {
		return
	}
	s.mu.Lock()
	s.sending++
	s.most = max(s.most, s.sending)
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending--
	sum := md5.Sum(body)
	if err != nil || hexSum(sum[:]) != r.PathValue("md5") || r.Header.Get("Authorization") != "" {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	if given := r.Header.Get("Content-MD5"); given != "" && given != FormatSum(sum[:]) {
		s.t.Errorf("Content-MD5: got %s", given)
	}
	s.objects[hexSum(sum[:])] = body
	w.Header().Set("ETag", `"`+hexSum(sum[:])+`"`)
}

func (s *fakeServer) complete(v fakeInput) any {
	a := s.artifacts[text(v["artifactID"])]
	var whole []byte
	for i, p := range v["completedParts"].([]any) {
		part := p.(fakeInput)
		sum := strings.Trim(text(part["hexMD5"]), `"`)
		if int(part["partNumber"].(float64)) != i+1 || sum != a.parts[text(v["storagePath"])][i] || !strings.HasPrefix(text(part["hexMD5"]), `"`) {
			return fmt.Errorf("bad part %v", part)
		}
		whole = append(whole, s.objects[sum]...)
	}
	sum := md5.Sum(whole)
	if "p/"+hexSum(sum[:]) != text(v["storagePath"]) {
		return fmt.Errorf("the parts do not give the file")
	}
	s.objects[hexSum(sum[:])] = whole
	return fakeInput{"completeMultipartUploadArtifact": fakeInput{"digest": FormatSum(sum[:])}}
}

func (s *fakeServer) putManifest(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.artifacts[r.PathValue("id")]
	sum := md5.Sum(body)
	if err != nil || FormatSum(sum[:]) != a.manifestSum {
		http.Error(w, "bad manifest", http.StatusBadRequest)
		return
	}
	a.manifest = body
}

func (s *fakeServer) commit(v fakeInput) any {
	a := s.artifacts[text(v["artifactID"])]
	m, err := ReadManifest(strings.NewReader(string(a.manifest)))
	if err != nil {
		return err
	}
	if a.kind == api.ManifestFull && m.Digest() != a.digest {
		return fmt.Errorf("the manifest does not have the digest of the artifact")
	}
	for _, e := range m.Entries {
		if sum, err := ParseSum(e.Digest); e.Ref == "" && (err != nil || s.objects[hexSum(sum[:])] == nil) {
			return fmt.Errorf("%s is not stored", e.Path)
		}
	}
	a.state = api.ArtifactCommitted
	return fakeInput{"commitArtifact": fakeInput{"artifact": fakeInput{"id": a.id, "digest": a.digest}}}
}

func (s *fakeServer) use(v fakeInput) any {
	in := v["input"].(fakeInput)
	s.uses = append(s.uses, text(in["artifactID"])+" by "+text(in["runName"]))
	return fakeInput{"useArtifact": fakeInput{"artifact": fakeInput{"id": in["artifactID"]}}}
}

func (s *fakeServer) mapping(v fakeInput) any {
	id := s.clients[text(v["clientID"])]
	if id == "" {
		return fakeInput{"clientIDMapping": nil}
	}
	return fakeInput{"clientIDMapping": fakeInput{"serverID": id}}
}

func (s *fakeServer) byName(v fakeInput) any {
	name, _, _ := strings.Cut(text(v["name"]), ":")
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(s.artifacts))) {
		if a := s.artifacts[id]; a.name == name {
			return fakeInput{"project": fakeInput{"artifactCollectionMembership": fakeInput{"versionIndex": 0, "artifactCollection": fakeInput{"name": name},
				"artifact": fakeInput{"id": id, "digest": a.digest, "state": a.state, "artifactType": fakeInput{"name": "t"}}}}}
		}
	}
	return fakeInput{"project": nil}
}

func (s *fakeServer) manifestURL(v fakeInput) any {
	return fakeInput{"artifact": fakeInput{"currentManifest": fakeInput{"file": fakeInput{"directUrl": "/manifest/" + text(v["artifact_id"])}}}}
}

func (s *fakeServer) getManifest(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = w.Write(s.artifacts[r.PathValue("id")].manifest)
}

func (s *fakeServer) fileURLs(v fakeInput) any {
	var edges []any
	for _, x := range v["entries"].([]any) {
		in := x.(fakeInput)
		sum, _ := ParseSum(text(in["digest"]))
		s.urls++
		edges = append(edges, fakeInput{"node": fakeInput{"name": in["name"], "directUrl": fmt.Sprintf("%s/storage/%x?sig=secret&n=%d", s.http.URL, sum, s.urls)}})
	}
	return fakeInput{"artifact": fakeInput{"filesByManifestEntries": fakeInput{"pageInfo": fakeInput{"hasNextPage": false}, "edges": edges}}}
}

func (s *fakeServer) get(w http.ResponseWriter, r *http.Request) {
	if s.refused(w, "GET", r) {
		return
	}
	s.mu.Lock()
	body := s.objects[r.PathValue("md5")]
	s.gets++
	s.mu.Unlock()
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(body)))
}
