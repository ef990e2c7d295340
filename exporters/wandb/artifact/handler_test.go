package artifact

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// open reads the content that an entry refers to.
func open(t *testing.T, h Handler, e Entry) (string, error) {
	t.Helper()
	r, err := h.Open(t.Context(), e)
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

func TestFileReference(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a b%41")
	if err := os.WriteFile(name, []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{"file://" + name, "file://localhost" + name, "file://" + strings.ReplaceAll(strings.ReplaceAll(name, "%", "%25"), " ", "%20")} {
		list, err := Files{}.Describe(t.Context(), uri, DescribeOptions{})
		if err != nil || len(list) != 1 || list[0].Digest != helloSum || list[0].Path != "a b%41" || list[0].Size != 6 {
			t.Fatalf("%s: got %+v, %v", uri, list, err)
		}
		if text, err := open(t, Files{}, list[0]); text != "hello\n" || err != nil {
			t.Errorf("%s: got %q, %v", uri, text, err)
		}
	}
	list, err := Files{}.Describe(t.Context(), "file://"+dir, DescribeOptions{NoChecksum: true})
	if err != nil || len(list) != 1 || list[0].Digest == helloSum {
		t.Fatalf("got %+v, %v", list, err)
	}
	unchecked := list[0]
	list, _ = Files{}.Describe(t.Context(), "file://"+name, DescribeOptions{})
	if err := os.WriteFile(name, []byte("other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, Files{}, list[0]); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v, want %v", err, ErrChanged)
	}
	if text, err := open(t, Files{}, unchecked); text != "other\n" || err != nil {
		t.Errorf("without checksum: got %q, %v", text, err)
	}
	for _, uri := range []string{"file://host/x", "file://relative", "http://x"} {
		if _, err := localPath(uri); err == nil {
			t.Errorf("%s: no error", uri)
		}
	}
}

// TestPathSum: the digest of a file without checksum, as pathlib and hashlib of
// Python compute it.
func TestPathSum(t *testing.T) {
	if got, want := pathSum("/no such/fïle~(1).txt"), "2NRU8Nf6q4KKq+6u7qm6qw=="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHTTPReference(t *testing.T) {
	tag := `"v1"`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials were sent")
		}
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/x", http.StatusFound)
		case "/x":
			w.Header().Set("ETag", tag)
			_, _ = io.WriteString(w, "hello\n")
		case "/plain":
			_, _ = io.WriteString(w, "hello\n")
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	describe := func(uri string) Entry {
		t.Helper()
		list, err := HTTP{}.Describe(t.Context(), uri, DescribeOptions{})
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: got %v, %v", uri, list, err)
		}
		return list[0]
	}
	e := describe(s.URL + "/moved")
	if e.Path != "moved" || e.Digest != "v1" || e.Ref != s.URL+"/x" || e.Size != 6 || string(e.Extra["etag"]) != `"\"v1\""` {
		t.Errorf("got %+v", e)
	}
	plain := describe(s.URL + "/plain")
	if plain.Digest != plain.Ref || plain.Extra != nil {
		t.Errorf("without an ETag: got %+v", plain)
	}
	for _, e := range []Entry{e, plain} {
		if text, err := open(t, HTTP{}, e); text != "hello\n" || err != nil {
			t.Errorf("%s: got %q, %v", e.Ref, text, err)
		}
	}
	tag = `"v2"`
	if _, err := open(t, HTTP{}, e); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v, want %v", err, ErrChanged)
	}
	_, err := HTTP{}.Describe(t.Context(), s.URL+"/none?X-Amz-Signature=secret", DescribeOptions{})
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
	s.Close()
	if _, err = (HTTP{}).Describe(t.Context(), s.URL+"/x?sig=secret", DescribeOptions{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestMasked(t *testing.T) {
	f := func(uri, want string) {
		t.Helper()
		if got := Masked(uri); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("https://user:pw@host/a@b?sig=x#y", "https://***@host/a@b")
	f("s3://bucket/key", "s3://bucket/key")
	f("plain", "plain")
	f("http://host", "http://host")
}
