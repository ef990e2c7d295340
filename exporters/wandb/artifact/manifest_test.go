package artifact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// wide is a manifest with every field, one that needs no order of its own.
func wide() *Manifest {
	return &Manifest{Layout: "V2", Region: "eu", Entries: []Entry{
		{Path: "<a&b>", Digest: helloSum, Size: 6, LocalPath: "/secret/place", SkipCache: true, BirthArtifactID: "QXJ0aWZhY3Q6MQ=="},
		{Path: "ref", Digest: "etag", Size: -1, Ref: "s3://b/k?x=\"", Extra: map[string]json.RawMessage{"versionID": []byte(`"3"`), "etag": []byte(`"e"`)}},
		{Path: "z\n\"", Digest: emptySum},
	}}
}

// local returns m without what its stored form leaves out.
func stored(m *Manifest) *Manifest {
	out := *m
	out.Entries = nil
	for _, e := range m.Entries {
		e.LocalPath, e.SkipCache = "", false
		out.Entries = append(out.Entries, e)
	}
	return &out
}

func TestManifestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := wide().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	want := `{"version":1,"storagePolicy":"wandb-storage-policy-v1","storagePolicyConfig":{"storageLayout":"V2","storageRegion":"eu"},"contents":{` +
		`"\u003ca\u0026b\u003e":{"digest":"sZRqySSS0jR8YjW00mERhA==","size":6,"birthArtifactID":"QXJ0aWZhY3Q6MQ=="},` +
		`"ref":{"digest":"etag","ref":"s3://b/k?x=\"","extra":{"etag":"e","versionID":"3"}},` +
		`"z\n\"":{"digest":"1B2M2Y8AsgTpgAmY7PhCfg==","size":0}}}`
	if b.String() != want {
		t.Errorf("got  %s\nwant %s", b.String(), want)
	}
	got, err := ReadManifest(&b)
	if err != nil || !reflect.DeepEqual(got, stored(wide())) {
		t.Errorf("got %+v, %v, want %+v", got, err, stored(wide()))
	}
}

// TestReadForeignManifest: keys of other writers are passed over, sizes may be
// missing, entries may be in any order.
func TestReadForeignManifest(t *testing.T) {
	const text = `{"version": 1, "new": [{"a": 1}], "storagePolicy": "wandb-storage-policy-v1", "storagePolicyConfig": {"storageLayout": "V2", "more": 1},
		"contents": {"b": {"digest": "x", "local_path": "/etc/passwd", "skip_cache": true, "mine": {}}, "a": {"digest": "y", "size": 3, "ref": "http://h/"}}} trailing`
	m, err := ReadManifest(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{{Path: "a", Digest: "y", Size: 3, Ref: "http://h/"}, {Path: "b", Digest: "x", Size: -1}}
	if !reflect.DeepEqual(m.Entries, want) || m.Layout != "V2" {
		t.Errorf("got %+v, want %+v", m, want)
	}
	if e := m.Find("b"); e == nil || e.Digest != "x" || m.Find("c") != nil {
		t.Errorf("Find: got %v and %v", e, m.Find("c"))
	}
}

func TestReadBadManifest(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if m, err := ReadManifest(strings.NewReader(text)); !errors.Is(err, ErrBadManifest) {
			t.Errorf("%s: got %v, %v", text, m, err)
		}
	}
	f("")
	f("<html>")
	f("[]")
	f("{}")
	f(`{"version":2,"storagePolicy":"wandb-storage-policy-v1","contents":{}}`)
	f(`{"version":1,"storagePolicy":"other","contents":{}}`)
	f(`{"version":1,"storagePolicy":"wandb-storage-policy-v1","contents":[]}`)
	f(`{"version":1,"storagePolicy":"wandb-storage-policy-v1","contents":{"a":{"digest":1}}}`)
	f(`{"version":1,"storagePolicy":"wandb-storage-policy-v1","contents":{"a":{},"a":{}}}`)
	f(`{"version":1,"storagePolicy":"wandb-storage-policy-v1","contents":{"":{}}}`)
	f(`{"version":1,"storagePolicy":"wandb-storage-policy-v1","contents":{"a":{}}`)
}

func TestManifestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "m.jl.gz")
	if err := wide().WriteFile(name); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(name)
	want := wide()
	want.Region = "" // the file has entries only
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if err := wide().WriteFile(name); err == nil {
		t.Error("a file that exists was written over")
	}
}

// TestRecord: what goes to a run log and back is the same, small or large.
func TestRecord(t *testing.T) {
	large := &Manifest{Layout: "V2"}
	for i := range MaxRecordEntries + 1 {
		large.Entries = append(large.Entries, Entry{Path: fmt.Sprintf("%07d", i), Digest: emptySum, LocalPath: "/x"})
	}
	small := wide()
	small.Entries[1].Size = 0 // a record has no size that is unknown
	for i, m := range []*Manifest{small, large} {
		dir := t.TempDir()
		rec, err := m.ToRecord(dir, "m.jl.gz")
		if err != nil {
			t.Fatal(err)
		}
		if file := rec.ManifestFilePath != ""; file != (i == 1) || file == (len(rec.Contents) > 0) {
			t.Errorf("%d entries: file %q, %d in the record", len(m.Entries), rec.ManifestFilePath, len(rec.Contents))
		}
		got, err := FromRecord(rec)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%d entries: got another manifest: %v", len(m.Entries), err)
		}
	}
}

func FuzzReadManifest(f *testing.F) {
	var b bytes.Buffer
	if err := wide().WriteJSON(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"version":1,"storagePolicy":"wandb-storage-policy-v1","storagePolicyConfig":null,"contents":{"../x":{"digest":"","size":-5}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadManifest(bytes.NewReader(data))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := m.WriteJSON(&out); err != nil {
			t.Fatal(err)
		}
		again, err := ReadManifest(&out)
		if err != nil || again.Digest() != m.Digest() || len(again.Entries) != len(m.Entries) || again.Size() != m.Size() {
			t.Fatalf("read, written and read: %v, got %+v, want %+v", err, again, m)
		}
	})
}

func FuzzReadLines(f *testing.F) {
	var b bytes.Buffer
	if err := wide().writeLines(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := readLines(bytes.NewReader(data))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := m.writeLines(&out); err != nil {
			t.Fatal(err)
		}
		if again, err := readLines(&out); err != nil || again.Digest() != m.Digest() {
			t.Fatalf("read, written and read: %v", err)
		}
	})
}

func TestChecks(t *testing.T) {
	f := func(err error, want bool) {
		t.Helper()
		if (err == nil) != want {
			t.Errorf("got %v, want good %v", err, want)
		}
	}
	f(CheckName("model-1.0_x"), true)
	f(CheckName("a b"), false)
	f(CheckName("a/b"), false)
	f(CheckName(""), false)
	f(CheckName(strings.Repeat("x", 129)), false)
	f(CheckType("model", "x"), true)
	f(CheckType("job", "x"), false)
	f(CheckType("wandb-history", "x"), false)
	f(CheckType("run_table", "run-1"), false)
	f(CheckType("run_table", "x"), true)
	f(CheckType("code", "source-x"), false)
	f(CheckType("a:b", "x"), false)
	f(CheckAlias("best"), true)
	f(CheckAlias("v3"), false)
	f(CheckAlias("a:b"), false)
	f(CheckTag("a tag-1"), true)
	f(CheckTag("a, b"), false)
	_, err := CheckMetadata(map[string]any{"inf": func() {}})
	f(err, false)
}
