package artifact

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// record makes a record of files with these contents, staged in dir.
func record(t *testing.T, dir, name string, files map[string]string, more ...Entry) *wandbpb.ArtifactRecord {
	t.Helper()
	list := more
	for path, content := range files {
		local := filepath.Join(dir, rand.Text())
		if err := os.WriteFile(local, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		digest, size, err := SumFile(local)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, Entry{Path: path, Digest: digest, Size: size, LocalPath: local})
	}
	return recordEntries(t, dir, name, list)
}

// recordEntries makes a record of entries.
func recordEntries(t testing.TB, dir, name string, list []Entry) *wandbpb.ArtifactRecord {
	t.Helper()
	m, err := NewManifest(list)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := m.ToRecord(dir, "manifest")
	if err != nil {
		t.Fatal(err)
	}
	return &wandbpb.ArtifactRecord{
		Entity: "e", Project: "p", RunId: "r", Type: "t", Name: name, Digest: m.Digest(), Manifest: rec,
		Finalize: true, ClientId: rand.Text(), SequenceClientId: rand.Text(), Aliases: []string{"latest"},
	}
}

func mustUpload(t *testing.T, s *fakeServer, rec *wandbpb.ArtifactRecord, o Options) Result {
	t.Helper()
	res, err := Upload(t.Context(), s.client, rec, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestUpload: the requests, in the order that servers know, and what is stored.
func TestUpload(t *testing.T) {
	s, dir := newFakeServer(t), t.TempDir()
	rec := record(t, dir, "a", map[string]string{"x": "hello\n", "d/empty": "", "same": "hello\n"}, Entry{Path: "ref", Digest: "tag", Ref: "s3://b/k"})
	var told []Progress
	res := mustUpload(t, s, rec, Options{Progress: func(p Progress) { told = append(told, p) }, Parallel: 1})
	if !res.Committed || res.Existed || res.Files != 3 || res.Bytes != 12 || res.Digest != rec.Digest {
		t.Errorf("got %+v", res)
	}
	want := "CreateArtifact CreateArtifactManifest CreateArtifactFiles CreateArtifactManifest CommitArtifact"
	if got := strings.Join(s.ops, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if last := told[len(told)-1]; len(told) != 3 || last != (Progress{3, 3, 12, 12}) {
		t.Errorf("progress: got %+v", told)
	}
	manifest := string(s.artifacts[res.ID].manifest)
	if strings.Contains(manifest, dir) || strings.Contains(manifest, "local_path") || !strings.Contains(manifest, res.ID) {
		t.Errorf("manifest: %s", manifest)
	}
	if err := RemoveStaged(rec, dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d staged files are left", len(left))
	}
	if again := mustUpload(t, s, rec, Options{}); !again.Existed || again.ID != res.ID {
		t.Errorf("again: got %+v", again)
	}
	if err := RemoveStaged(rec, dir); err != nil {
		t.Error(err)
	}
}

// TestUploadOfTheSameContent: the server has it, nothing is sent.
func TestUploadOfTheSameContent(t *testing.T) {
	s, dir := newFakeServer(t), t.TempDir()
	first := mustUpload(t, s, record(t, dir, "a", map[string]string{"x": "1"}), Options{})
	rec := record(t, dir, "a", map[string]string{"x": "1"})
	rec.UseAfterCommit = true
	if res := mustUpload(t, s, rec, Options{}); !res.Existed || !res.Committed || res.ID != first.ID {
		t.Errorf("got %+v", res)
	}
	if len(s.uses) != 1 || s.uses[0] != first.ID+" by r" {
		t.Errorf("uses: got %v", s.uses)
	}
	if res := mustUpload(t, s, record(t, dir, "b", map[string]string{"x": "1", "y": "2"}), Options{}); res.Files != 1 || res.Reused != 1 {
		t.Errorf("a file that the server has: got %+v", res)
	}
}

// TestUploadGoesOn: after a failure at any request the next try finishes the
// same version and sends no file twice.
func TestUploadGoesOn(t *testing.T) {
	for cut := range 12 {
		s, dir := newFakeServer(t), t.TempDir()
		rec := record(t, dir, "a", map[string]string{"1": "1", "2": "2", "3": "3", "4": "4"})
		var mu sync.Mutex
		seen, puts := 0, 0
		s.before = func(op string, _ *http.Request) int {
			mu.Lock()
			defer mu.Unlock()
			if seen++; seen > cut {
				return http.StatusForbidden
			}
			if op == "PUT" {
				puts++
			}
			return 0
		}
		_, err := Upload(t.Context(), s.client, rec, Options{Parallel: 1})
		s.mu.Lock()
		s.before = nil
		s.mu.Unlock()
		res := mustUpload(t, s, rec, Options{})
		if len(s.artifacts) != 1 || !res.Committed || !res.Existed && (err == nil || res.Files+puts != 4) {
			t.Errorf("cut after %d: %v, then %+v, %d puts before, %d versions", cut, err, res, puts, len(s.artifacts))
		}
	}
}

// TestUploadOfChangedFile: nothing is committed, and the error names the file.
func TestUploadOfChangedFile(t *testing.T) {
	big := strings.Repeat("x", 3<<20)
	f := func(name string, change func(file string) error, o Options) {
		t.Helper()
		s, dir := newFakeServer(t), t.TempDir()
		rec := record(t, dir, "a", map[string]string{"f": big})
		file := rec.Manifest.Contents[0].LocalPath
		if err := change(file); err != nil {
			t.Fatal(err)
		}
		_, err := Upload(t.Context(), s.client, rec, o)
		if !errors.Is(err, ErrChanged) && !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got %v", name, err)
		}
		for _, a := range s.artifacts {
			if a.state == api.ArtifactCommitted || a.manifest != nil {
				t.Errorf("%s: committed", name)
			}
		}
		if len(s.objects) != 0 {
			t.Errorf("%s: %d objects are stored", name, len(s.objects))
		}
	}
	middle := func(file string) error {
		w, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = w.WriteAt([]byte("y"), 2<<20)
		return errors.Join(err, w.Close())
	}
	f("one byte", middle, Options{})
	f("one byte in parts", middle, Options{Multipart: 1 << 20, Part: 1 << 20})
	f("longer", func(file string) error { return os.WriteFile(file, []byte(big+"x"), 0o600) }, Options{})
	f("shorter", func(file string) error { return os.Truncate(file, 5) }, Options{})
	f("deleted", os.Remove, Options{})
}

// TestChangeWhileSending: the body ends in an error and not in wrong bytes.
func TestChangeWhileSending(t *testing.T) {
	const size = 16 << 20
	f := func(change func(file string) error) {
		t.Helper()
		s, dir := newFakeServer(t), t.TempDir()
		rec := record(t, dir, "a", map[string]string{"f": strings.Repeat("x", size)})
		file := rec.Manifest.Contents[0].LocalPath
		var once sync.Once
		s.before = func(op string, r *http.Request) int {
			if op == "PUT" {
				once.Do(func() {
					_, _ = r.Body.Read(make([]byte, 10))
					if err := change(file); err != nil {
						t.Error(err)
					}
				})
			}
			return 0
		}
		if _, err := Upload(t.Context(), s.client, rec, Options{}); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), file) {
			t.Errorf("got %v, want %v", err, ErrChanged)
		}
		if len(s.objects) != 0 {
			t.Error("the file was stored")
		}
	}
	f(func(file string) error { return os.WriteFile(file, bytes.Repeat([]byte("y"), size), 0o600) })
	f(func(file string) error { return os.Truncate(file, size-1) })
}

// TestExpiredURLs: files whose URL does not work any more get another one.
func TestExpiredURLs(t *testing.T) {
	s, dir := newFakeServer(t), t.TempDir()
	files := map[string]string{}
	for i := range 60 {
		files[fmt.Sprint(i)] = fmt.Sprint("content ", i)
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	s.before = func(op string, r *http.Request) int {
		mu.Lock()
		defer mu.Unlock()
		if op == "PUT" && !seen[r.URL.Path] {
			seen[r.URL.Path] = true
			return http.StatusForbidden
		}
		return 0
	}
	if res := mustUpload(t, s, record(t, dir, "a", files), Options{}); res.Files != 60 || s.urls != 120 {
		t.Errorf("got %+v, %d urls", res, s.urls)
	}
	s.before = func(op string, r *http.Request) int {
		if op == "PUT" {
			return http.StatusForbidden
		}
		return 0
	}
	s.urls = 0
	_, err := Upload(t.Context(), s.client, record(t, dir, "a", map[string]string{"f": "other"}), Options{})
	if err == nil || s.urls != maxURLs || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v after %d urls, want an error after %d", err, s.urls, maxURLs)
	}
}

func TestMultipart(t *testing.T) {
	s, dir := newFakeServer(t), t.TempDir()
	content := make([]byte, 5<<20+7)
	_, _ = rand.Read(content)
	rec := record(t, dir, "a", map[string]string{"big": string(content), "small": "1"})
	res := mustUpload(t, s, rec, Options{Multipart: 1 << 20, Part: 1 << 20, Parallel: 3})
	if res.Files != 2 || !res.Committed {
		t.Errorf("got %+v", res)
	}
	if s.most > 3 {
		t.Errorf("%d transfers at a time, want at most 3", s.most)
	}
	sum, _ := ParseSum(rec.Manifest.Contents[0].Digest)
	if !bytes.Equal(s.objects[hexSum(sum[:])], content) {
		t.Error("the server has another file")
	}
}

func TestPartSize(t *testing.T) {
	f := func(size, want int64) {
		t.Helper()
		if got := partSize(size, DefaultPart); got != want || (size+got-1)/got > maxParts {
			t.Errorf("%d: got %d, want %d", size, got, want)
		}
	}
	f(2<<30, DefaultPart)
	f(DefaultPart*maxParts, DefaultPart)
	f(DefaultPart*maxParts+1, DefaultPart+4096)
	f(5<<40, 549756928)
}

func TestKindsOfManifest(t *testing.T) {
	s, dir := newFakeServer(t), t.TempDir()
	base := mustUpload(t, s, record(t, dir, "a", map[string]string{"x": "1"}), Options{})
	inc := record(t, dir, "a", map[string]string{"y": "2"})
	inc.IncrementalBeta1 = true
	res := mustUpload(t, s, inc, Options{})
	if a := s.artifacts[res.ID]; a.kind != api.ManifestIncremental || a.base != base.ID || !res.Committed {
		t.Errorf("incremental: got %+v", a)
	}
	patch := record(t, dir, "b", map[string]string{"y": "2"})
	patch.DistributedId, patch.Finalize = "d", false
	res = mustUpload(t, s, patch, Options{})
	if a := s.artifacts[res.ID]; a.kind != api.ManifestPatch || a.state != api.ArtifactPending || res.Committed {
		t.Errorf("distributed: got %+v", a)
	}
}

// TestClientReferences: a reference to what this program logged before gets the
// server's id.
func TestClientReferences(t *testing.T) {
	s, dir := newFakeServer(t), t.TempDir()
	other := record(t, dir, "a", map[string]string{"x": "hello\n"})
	rec := record(t, dir, "b", nil, Entry{Path: "w", Digest: helloSum, Ref: ClientRef(other.ClientId, "x")})
	if _, err := Upload(t.Context(), s.client, rec, Options{}); err == nil || !strings.Contains(err.Error(), "refers to another artifact") {
		t.Errorf("before the other one: got %v", err)
	}
	ref, err := serverRef(mustUpload(t, s, other, Options{}).ID, "x")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(s.artifacts[mustUpload(t, s, rec, Options{}).ID].manifest); !strings.Contains(got, `"ref":"`+ref+`"`) {
		t.Errorf("got %s, want %s in it", got, ref)
	}
}

// TestMovedStaging: a run's folder that was copied to another machine still has
// its files.
func TestMovedStaging(t *testing.T) {
	s, dir := newFakeServer(t), filepath.Join(t.TempDir(), "old")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	rec := record(t, dir, "a", map[string]string{"x": "1"})
	moved := dir + "-moved"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if _, err := Upload(t.Context(), s.client, rec, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
	if res := mustUpload(t, s, rec, Options{Staging: moved}); res.Files != 1 {
		t.Errorf("got %+v", res)
	}
}

func TestUploadOfManyEntries(t *testing.T) {
	s, dir := newFakeServer(t), t.TempDir()
	var refs []Entry
	for i := range MaxRecordEntries + 1 {
		refs = append(refs, Entry{Path: fmt.Sprintf("%06d", i), Digest: "d", Ref: "s3://b/k"})
	}
	rec := record(t, dir, "a", map[string]string{"f": "1"}, refs...)
	if rec.Manifest.ManifestFilePath == "" {
		t.Fatal("the manifest is not in a file")
	}
	if res := mustUpload(t, s, rec, Options{}); res.Files != 1 || !res.Committed {
		t.Errorf("got %+v", res)
	}
	if err := RemoveStaged(rec, dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d staged files are left", len(left))
	}
}
