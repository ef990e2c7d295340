package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

// store is a store in this process with one bucket and an empty object in it,
// and a Handler of it.
func store(t *testing.T, o Options) *Handler {
	t.Helper()
	backend := s3mem.New()
	s := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(s.Close)
	o.Endpoint = s.URL
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.client.MakeBucket(t.Context(), "bucket", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := backend.PutObject("bucket", "d/empty", nil, strings.NewReader(""), 0, nil); err != nil {
		t.Fatal(err)
	}
	return h
}

func put(t *testing.T, h *Handler, key, content string) minio.UploadInfo {
	t.Helper()
	info, err := h.client.PutObject(t.Context(), "bucket", key, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func keys() Options {
	return Options{AccessKey: "id", SecretKey: api.NewKey(strings.Repeat("0", 40)), Region: "us-east-1"}
}

func TestDescribe(t *testing.T) {
	h := store(t, keys())
	for _, key := range []string{"one", "d/a", "d/e/b", "dx"} {
		put(t, h, key, "content of "+key)
	}
	f := func(uri string, o artifact.DescribeOptions, want string) {
		t.Helper()
		list, err := h.Describe(t.Context(), uri, o)
		var got []string
		for _, e := range list {
			got = append(got, fmt.Sprintf("%s=%s:%d", e.Path, e.Ref, e.Size))
		}
		if s := strings.Join(got, " "); s != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %s, %v, want %s", uri, s, err, want)
		}
	}
	f("s3://bucket/one", artifact.DescribeOptions{}, "one=s3://bucket/one:14")
	f("s3://bucket/one?versionId=", artifact.DescribeOptions{Name: "x/y"}, "x/y=s3://bucket/one:14")
	f("s3://bucket/d", artifact.DescribeOptions{}, "a=s3://bucket/d/a:14 e/b=s3://bucket/d/e/b:16")
	f("s3://bucket/d/", artifact.DescribeOptions{Name: "n"}, "n/a=s3://bucket/d/a:14 n/e/b=s3://bucket/d/e/b:16")
	f("s3://bucket", artifact.DescribeOptions{}, "d/a=s3://bucket/d/a:14 d/e/b=s3://bucket/d/e/b:16 dx=s3://bucket/dx:13 one=s3://bucket/one:14")
	f("s3://bucket/none", artifact.DescribeOptions{NoChecksum: true}, "none=s3://bucket/none:-1")
	f("s3://bucket", artifact.DescribeOptions{MaxObjects: 3}, "")
	f("s3://bucket/none", artifact.DescribeOptions{}, "")
	f("s3://bucket/d/empty", artifact.DescribeOptions{}, "")
	f("s3://elsewhere/x", artifact.DescribeOptions{}, "")
	f("s3:///x", artifact.DescribeOptions{}, "")
	f("gs://bucket/one", artifact.DescribeOptions{}, "")
	list, err := h.Describe(t.Context(), "s3://bucket/one", artifact.DescribeOptions{})
	if err != nil || len(list[0].Digest) != 32 || string(list[0].Extra["etag"]) != `"`+list[0].Digest+`"` {
		t.Errorf("got %+v, %v", list, err)
	}
}

func read(t *testing.T, h *Handler, e artifact.Entry) (string, error) {
	t.Helper()
	r, err := h.Open(t.Context(), e)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func TestOpen(t *testing.T) {
	h := store(t, keys())
	put(t, h, "x", "first")
	list, err := h.Describe(t.Context(), "s3://bucket/x", artifact.DescribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(t, h, list[0]); got != "first" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	put(t, h, "x", "second")
	if got, err := read(t, h, list[0]); !errors.Is(err, artifact.ErrChanged) {
		t.Errorf("got %q, %v, want %v", got, err, artifact.ErrChanged)
	}
	unchecked, _ := h.Describe(t.Context(), "s3://bucket/x", artifact.DescribeOptions{NoChecksum: true})
	if got, err := read(t, h, unchecked[0]); got != "second" || err != nil {
		t.Errorf("without checksum: got %q, %v", got, err)
	}
	if _, err := read(t, h, artifact.Entry{Ref: "s3://bucket/none", Digest: "x"}); err == nil {
		t.Error("an object that is not there: no error")
	}
}

// TestVersions: in a bucket that keeps versions the one that was described is
// read, though there is a newer one.
func TestVersions(t *testing.T) {
	h := store(t, keys())
	if err := h.client.EnableVersioning(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	put(t, h, "x", "first")
	list, err := h.Describe(t.Context(), "s3://bucket/x", artifact.DescribeOptions{})
	if err != nil || list[0].Extra["versionID"] == nil {
		t.Fatalf("got %+v, %v", list, err)
	}
	put(t, h, "x", "second")
	if got, err := read(t, h, list[0]); got != "first" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	delete(list[0].Extra, "versionID")
	if got, err := read(t, h, list[0]); got != "first" || err != nil {
		t.Errorf("by ETag: got %q, %v", got, err)
	}
	list[0].Digest = "another"
	if _, err := read(t, h, list[0]); !errors.Is(err, artifact.ErrChanged) {
		t.Errorf("got %v, want %v", err, artifact.ErrChanged)
	}
}

func TestNew(t *testing.T) {
	f := func(o Options, want bool) {
		t.Helper()
		if h, err := New(o); (err == nil) != want || err == nil && len(h.Schemes()) != 1 {
			t.Errorf("%+v: got %v, want good %v", o, err, want)
		}
	}
	f(Options{}, true)
	f(Options{Scheme: "gs"}, true)
	f(Options{Scheme: "az"}, false)
	f(Options{Endpoint: "host:9000"}, false)
	f(Options{Endpoint: "https://user:pw@host"}, false)
	f(Options{InstanceRole: true}, true)
	if text := fmt.Sprintf("%v %+v", keys(), keys()); strings.Contains(text, "0000") {
		t.Errorf("the secret is shown: %s", text)
	}
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[p]\naws_access_key_id = id\naws_secret_access_key = secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := store(t, Options{CredentialsFile: file, Profile: "p", Region: "us-east-1"})
	put(t, h, "x", "1")
}
