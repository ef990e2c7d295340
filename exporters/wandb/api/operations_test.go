package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// call runs f against a server that answers data, and returns the name and the
// variables of the operation that arrived, with those that are null left out.
func call(t *testing.T, data string, f func(*api.Client) error) (name, variables string, err error) {
	t.Helper()
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		var doc struct {
			Query, OperationName string
			Variables            map[string]any
		}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &doc); err != nil {
			t.Errorf("request: %v", err)
		}
		if !strings.Contains(doc.Query, " "+doc.OperationName) {
			t.Errorf("operation %s is not in %s", doc.OperationName, doc.Query)
		}
		for v, value := range doc.Variables {
			if !strings.Contains(doc.Query, "$"+v+":") {
				t.Errorf("%s does not declare $%s", doc.OperationName, v)
			}
			if value == nil {
				delete(doc.Variables, v)
			}
		}
		left, _ := json.Marshal(doc.Variables)
		name, variables = doc.OperationName, string(left)
		_, _ = io.WriteString(w, `{"data":`+data+`}`)
	}, func(o *api.Options) { o.RetryMax = -1 })
	return name, variables, f(b.Client)
}

// TestOperations: what each sends and what it makes of the answer.
func TestOperations(t *testing.T) {
	f := func(data, name, variables string, want any, run func(c *api.Client) (any, error)) {
		t.Helper()
		var got any
		var err error
		n, v, err := call(t, data, func(c *api.Client) error {
			got, err = run(c)
			return err
		})
		if err != nil || n != name || v != variables || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s:\n got %s %s\n and %+v, %v\nwant %+v", name, variables, n, v, got, err, want)
		}
		if _, _, err := call(t, `{}`, func(c *api.Client) error { _, err := run(c); return err }); (err == nil) != mayBeNothing[name] {
			t.Errorf("%s, an empty answer: got %v", name, err)
		}
	}
	none := func(err error) (any, error) { return nil, err }
	ctx := t.Context()
	f(good["UpsertBucket"], "UpsertBucket", `{"config":"{}","name":"r1","project":"p","tags":["a"]}`,
		&api.Bucket{ID: "aWQ=", Name: "r1", DisplayName: "calm-sea-1", Config: "{}", ProjectID: "cA==", Project: "p", EntityID: "ZQ==", Entity: "e", HistoryLineCount: 3, Inserted: true},
		func(c *api.Client) (any, error) {
			return c.UpsertBucket(ctx, api.UpsertInput{Name: "r1", Project: "p", Config: "{}", Tags: []string{"a"}})
		})
	f(`{"rewindRun":{"rewoundRun":{"id":"x","historyLineCount":4}}}`, "RewindRun", `{"entity":"e","metricName":"_step","metricValue":3,"project":"p","runName":"r"}`,
		&api.Bucket{ID: "x", HistoryLineCount: 4},
		func(c *api.Client) (any, error) { return c.RewindRun(ctx, "e", "p", "r", "_step", 3) })
	f(`{"createRunFiles":{"runID":"x","uploadHeaders":["A:b"],"files":[{"name":"b","uploadUrl":"u2"},{"name":"a","uploadUrl":"u1"}]}}`,
		"CreateRunFiles", `{"entity":"e","files":["a","b"],"project":"p","run":"r"}`,
		&api.UploadURLs{RunID: "x", Headers: []string{"A:b"}, URLs: map[string]string{"a": "u1", "b": "u2"}},
		func(c *api.Client) (any, error) { return c.CreateRunFiles(ctx, "e", "p", "r", []string{"a", "b"}) })
	f(`{"notifyScriptableRunAlert":{"success":true}}`, "NotifyScriptableRunAlert", `{"entityName":"e","projectName":"p","runName":"r","severity":"INFO","text":"b","title":"a","waitDuration":60000}`, nil,
		func(c *api.Client) (any, error) {
			return none(c.Alert(ctx, "e", "p", "r", api.Alert{Title: "a", Text: "b", Wait: time.Minute}))
		})
	f(good["Viewer"], "Viewer", `{}`, &api.User{ID: "VXNlcg==", Entity: "team", Username: "me", Email: "me@example.com", Teams: []string{"team"}, Flags: `{"code_saving_enabled":true}`},
		func(c *api.Client) (any, error) { return c.Viewer(ctx) })
	f(`{"serverInfo":{"features":[{"name":"A","isEnabled":true},{"name":"B","isEnabled":false}]}}`, "ServerFeaturesQuery", `{}`, map[string]bool{"A": true, "B": false},
		func(c *api.Client) (any, error) { return c.Features(ctx) })
	artifactOperations(t, f)
}

// mayBeNothing are the operations whose answer may be that there is nothing.
var mayBeNothing = map[string]bool{"ServerFeaturesQuery": true, "FetchOrgEntityFromEntity": true, "RunResumeStatus": true}

func artifactOperations(t *testing.T, f func(data, name, variables string, want any, run func(c *api.Client) (any, error))) {
	t.Helper()
	ctx := t.Context()
	none := func(err error) (any, error) { return nil, err }
	f(`{"createArtifact":{"artifact":{"id":"a","state":"PENDING","artifactSequence":{"latestArtifact":{"id":"b"}}}}}`, "CreateArtifact",
		`{"input":{"aliases":[{"alias":"latest","artifactCollectionName":"n"}],"artifactCollectionName":"n","artifactTypeName":"t","clientID":null,"description":null,"digest":"d","digestAlgorithm":"MANIFEST_MD5","distributedID":null,"enableDigestDeduplication":true,"entityName":"e","historyStep":null,"metadata":null,"projectName":"p","runName":null,"sequenceClientID":null,"tags":[{"tagName":"x"}],"ttlDurationSeconds":-2}}`,
		&api.Artifact{ID: "a", State: api.ArtifactPending, Digest: "d", LatestID: "b", VersionIndex: -1},
		func(c *api.Client) (any, error) {
			return c.CreateArtifact(ctx, api.CreateArtifactInput{Entity: "e", Project: "p", Type: "t", Collection: "n", Digest: "d", Aliases: []string{"latest"}, Tags: []string{"x"}, TTLSeconds: -2})
		})
	f(`{"createArtifactManifest":{"artifactManifest":{"id":"m","file":{"id":"f","uploadUrl":"u","uploadHeaders":["A:b"]}}}}`, "CreateArtifactManifest",
		`{"artifactID":"a","digest":"","entityName":"e","includeUpload":true,"manifestType":"FULL","name":"wandb_manifest.json","projectName":"p","runName":"r"}`,
		&api.Manifest{ID: "m", FileID: "f", UploadURL: "u", UploadHeaders: []string{"A:b"}},
		func(c *api.Client) (any, error) {
			return c.CreateArtifactManifest(ctx, api.ManifestInput{ArtifactID: "a", Name: "wandb_manifest.json", Entity: "e", Project: "p", Run: "r", Type: api.ManifestFull, Upload: true})
		})
	f(`{"updateArtifactManifest":{"artifactManifest":{"id":"m","file":{"id":"f"}}}}`, "UpdateArtifactManifest", `{"artifactManifestID":"m","baseArtifactID":"b","digest":"d","includeUpload":false}`,
		&api.Manifest{ID: "m", FileID: "f"},
		func(c *api.Client) (any, error) { return c.UpdateArtifactManifest(ctx, "m", "d", "b", false) })
	f(`{"createArtifactFiles":{"files":{"edges":[{"node":{"storagePath":"s","uploadUrl":null,"uploadHeaders":[],"artifact":{"id":"a"}}},{"node":{"uploadUrl":"u","uploadMultipartUrls":{"uploadID":"i","uploadUrlParts":[{"partNumber":1,"uploadUrl":"p1"}]},"artifact":{"id":"a"}}}]}}}`,
		"CreateArtifactFiles", `{"artifactFiles":[{"artifactID":"a","md5":"x","name":"f"},{"artifactID":"a","md5":"y","name":"g","uploadPartsInput":[{"hexMD5":"z","partNumber":1}]}],"storageLayout":"V2"}`,
		[]api.FileTarget{{StoragePath: "s", UploadHeaders: []string{}, BirthArtifactID: "a"}, {UploadURL: "u", UploadID: "i", PartURLs: map[int64]string{1: "p1"}, BirthArtifactID: "a"}},
		func(c *api.Client) (any, error) {
			return c.CreateArtifactFiles(ctx, []api.ArtifactFile{{ArtifactID: "a", Name: "f", MD5: "x"}, {ArtifactID: "a", Name: "g", MD5: "y", Parts: []api.Part{{Number: 1, HexMD5: "z"}}}})
		})
	f(`{"completeMultipartUploadArtifact":{"digest":"d"}}`, "CompleteMultipartUploadArtifact",
		`{"artifactID":"a","completeMultipartAction":"Complete","completedParts":[{"hexMD5":"\"etag\"","partNumber":1}],"storagePath":"s","uploadID":"i"}`, "d",
		func(c *api.Client) (any, error) {
			return c.CompleteMultipart(ctx, "a", api.FileTarget{StoragePath: "s", UploadID: "i"}, []api.Part{{Number: 1, HexMD5: `"etag"`}})
		})
	f(`{"commitArtifact":{"artifact":{"id":"a","digest":"d"}}}`, "CommitArtifact", `{"artifactID":"a"}`, "d",
		func(c *api.Client) (any, error) { return c.CommitArtifact(ctx, "a") })
	f(`{"useArtifact":{"artifact":{"id":"a"}}}`, "UseArtifact", `{"input":{"artifactID":"a","entityName":"e","projectName":"p","runName":"r","usedAs":null}}`, nil,
		func(c *api.Client) (any, error) {
			return none(c.UseArtifact(ctx, api.UseArtifactInput{ArtifactID: "a", Entity: "e", Project: "p", Run: "r"}))
		})
	f(`{"linkArtifact":{"versionIndex":3}}`, "LinkArtifact", `{"aliases":[{"alias":"best","artifactCollectionName":"q"}],"artifactId":"a","artifactPortfolioName":"q","entityName":"e","projectName":"p"}`, 3,
		func(c *api.Client) (any, error) {
			return c.LinkArtifact(ctx, api.LinkArtifactInput{Entity: "e", Project: "p", Portfolio: "q", Aliases: []string{"best"}, ArtifactID: "a"})
		})
	f(`{"clientIDMapping":{"serverID":"s"}}`, "ClientIDMapping", `{"clientID":"c"}`, "s",
		func(c *api.Client) (any, error) { return c.ClientIDMapping(ctx, "c") })
	f(`{"entity":{"organization":{"name":"o","orgEntity":{"name":"oe"}}}}`, "FetchOrgEntityFromEntity", `{"entityName":"e"}`, &api.Organization{Name: "o", Entity: "oe"},
		func(c *api.Client) (any, error) {
			o, err := c.FetchOrgEntity(ctx, "e")
			return o, err
		})
	f(`{"project":{"artifactCollectionMembership":{"versionIndex":2,"aliases":[{"alias":"latest"}],"artifactCollection":{"name":"n"},"artifact":{"id":"a","digest":"d","state":"COMMITTED","size":5,"fileCount":1,"metadata":"{}","description":null,"artifactType":{"name":"t"}}}}}`,
		"ArtifactMembershipByName", `{"entity":"e","name":"n:latest","project":"p"}`,
		&api.Artifact{ID: "a", State: "COMMITTED", Digest: "d", Type: "t", Collection: "n", VersionIndex: 2, Size: 5, FileCount: 1, Metadata: "{}", Aliases: []string{"latest"}},
		func(c *api.Client) (any, error) { return c.ArtifactByName(ctx, "e", "p", "n:latest") })
	f(`{"artifact":{"currentManifest":{"file":{"directUrl":"u"}}}}`, "ArtifactManifest", `{"artifact_id":"a"}`, "u",
		func(c *api.Client) (any, error) { return c.ArtifactManifestURL(ctx, "a") })
	f(`{"artifact":{"filesByManifestEntries":{"pageInfo":{"hasNextPage":false,"endCursor":null},"edges":[{"node":{"name":"f","directUrl":"u"}},{"node":null}]}}}`,
		"ArtifactFileURLsByManifestEntries", `{"entries":[{"digest":"d","name":"f","size":5}],"id":"a","manifestVersion":"1","storageLayout":"V2"}`, map[string]string{"f": "u"},
		func(c *api.Client) (any, error) {
			return c.ArtifactEntryURLs(ctx, "a", []api.ManifestEntry{{Name: "f", Digest: "d", Size: 5}}, "V2", "1", "")
		})
	f(`{"artifact":{"files":{"pageInfo":{"hasNextPage":true,"endCursor":"c2"},"edges":[{"node":{"name":"f","directUrl":"u"}}]}}}`, "ArtifactFileURLs", `{"cursor":"c1","id":"a","perPage":9}`,
		[]any{map[string]string{"f": "u"}, "c2"},
		func(c *api.Client) (any, error) {
			urls, next, err := c.ArtifactFileURLs(ctx, "a", "c1", 9)
			return []any{urls, next}, err
		})
}

// TestResumeStatus: a run that is there, one that is only planned, and none.
func TestResumeStatus(t *testing.T) {
	f := func(data string, there, started, fails bool) {
		t.Helper()
		_, _, err := call(t, data, func(c *api.Client) error {
			r, err := c.ResumeStatus(t.Context(), "e", "p", "r")
			if (r != nil) != there || r != nil && r.Started() != started {
				t.Errorf("%s: got %+v", data, r)
			}
			if r != nil && (r.HistoryLineCount != 1 || r.EventsLineCount != 2 || r.LogLineCount != 3 || r.Entity != "e" || r.Project != "p" || r.DisplayName != "calm") {
				t.Errorf("%s: got %+v", data, r)
			}
			return err
		})
		if (err != nil) != fails {
			t.Errorf("%s: got %v", data, err)
		}
	}
	model := func(bucket string) string {
		return `{"model":{"id":"x","name":"p","entity":{"id":"y","name":"e"},"bucket":` + bucket + `}}`
	}
	f(`{"model":null}`, false, false, false)
	f(model(`null`), false, false, false)
	f(model(`{"id":"i","name":"r","displayName":"calm","historyLineCount":1,"eventsLineCount":2,"logLineCount":3,"wandbConfig":"{\"t\":{\"value\":1}}","tags":["a"]}`), true, true, false)
	f(model(`{"id":"i","name":"r","displayName":"calm","historyLineCount":1,"eventsLineCount":2,"logLineCount":3,"wandbConfig":"{}","tags":null}`), true, false, false)
	f(model(`{"id":"i","name":"r","historyLineCount":1,"eventsLineCount":2}`), false, false, true)
}

// TestOldServer: one that does not know features has none, and is asked once.
func TestOldServer(t *testing.T) {
	b := newBench(t, wandb, nil)
	for range 2 {
		if f, err := b.Features(t.Context()); err != nil || len(f) != 0 {
			t.Errorf("got %v, %v", f, err)
		}
	}
	if n := b.faults.Seen("ServerFeaturesQuery"); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

// TestNobody: a server that takes the request and knows no user.
func TestNobody(t *testing.T) {
	_, _, err := call(t, `{"viewer":null}`, func(c *api.Client) error { _, err := c.Viewer(t.Context()); return err })
	if api.Classify(err, api.GraphQL) != api.Auth {
		t.Errorf("got %v", err)
	}
}

func TestHeaders(t *testing.T) {
	got := make(chan http.Header, 2)
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		wandb(w, r)
	}, func(o *api.Options) {
		o.Shared = &api.SharedWriter{ClientID: "w1"}
		o.Email, o.DeriveSummary, o.Headers = "me@example.com", true, map[string]string{"X-Gate": "g"}
	})
	f := func(want map[string]string) {
		t.Helper()
		h := <-got
		for name, value := range want {
			if v, ok := h[name]; !ok || v[0] != value {
				t.Errorf("%s: got %q, want %q", name, v, value)
			}
		}
	}
	if _, err := b.Viewer(t.Context()); err != nil {
		t.Fatal(err)
	}
	f(map[string]string{
		"Authorization": "Basic YXBpOjAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=", "Content-Type": "application/json",
		"X-Wandb-Username": "", "X-Wandb-User-Email": "me@example.com", "X-Gate": "g", "User-Agent": "wandb-agent",
		"X-Wandb-Use-Async-Filestream": "true", "X-Wandb-Client-Id": "w1", "X-Wandb-Server-Side-Derived-Summary": "true",
	})
	if _, err := b.FileStream(t.Context(), "e", "p", "r", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	f(map[string]string{"X-Wandb-Use-Async-Filestream": "true", "X-Wandb-Async-Client-Id": "w1", "X-Wandb-Server-Side-Derived-Summary": "true"})
}
