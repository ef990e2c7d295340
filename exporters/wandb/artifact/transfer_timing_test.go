package artifact

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// smallFiles makes n files of about a kilobyte in dir.
func smallFiles(b *testing.B, dir string, n int) map[string]string {
	b.Helper()
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("d%d/f%d", i%100, i)] = fmt.Sprintf("%01000d", i)
	}
	for name, content := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return files
}

// BenchmarkSmallFiles: 10,000 small files, up to a server and down from it in
// one process, beside a plain copy of them with as many at a time.
func BenchmarkSmallFiles(b *testing.B) {
	const n = 10_000
	dir := b.TempDir()
	files := smallFiles(b, dir, n)
	b.Run("copy", func(b *testing.B) {
		for b.Loop() {
			to := b.TempDir()
			var names []string
			for name := range files {
				names = append(names, name)
			}
			err := ForEach(b.Context(), n, 16, func(_ context.Context, i int) error {
				text, err := os.ReadFile(filepath.Join(dir, names[i]))
				if err != nil {
					return err
				}
				full := filepath.Join(to, names[i])
				if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
					return err
				}
				return os.WriteFile(full, text, 0o600)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("up", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			s := newFakeServer(b)
			rec := recordOf(b, dir, "a", files)
			b.StartTimer()
			if res, err := Upload(b.Context(), s.client, rec, Options{}); err != nil || res.Files != n {
				b.Fatal(res, err)
			}
		}
	})
	b.Run("down", func(b *testing.B) {
		s := newFakeServer(b)
		if _, err := Upload(b.Context(), s.client, recordOf(b, dir, "a", files), Options{}); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if rep, err := Download(b.Context(), s.client, latest, b.TempDir(), DownloadOptions{}); err != nil || rep.Files != n {
				b.Fatal(rep, err)
			}
		}
	})
}

// recordOf makes a record of files that lie below dir.
func recordOf(b *testing.B, dir, name string, files map[string]string) *wandbpb.ArtifactRecord {
	b.Helper()
	var list []Entry
	for path := range files {
		local := filepath.Join(dir, path)
		digest, size, err := SumFile(local)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, Entry{Path: path, Digest: digest, Size: size, LocalPath: local})
	}
	return recordEntries(b, dir, name, list)
}

// TestManifestAllocations: what an entry costs, so that a million of them fit.
func TestManifestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates too")
	}
	const n = 1000
	var list []Entry
	for i := range n {
		list = append(list, Entry{Path: fmt.Sprintf("%06d", i), Digest: helloSum})
	}
	m, err := NewManifest(list)
	if err != nil {
		t.Fatal(err)
	}
	if got := testing.AllocsPerRun(10, func() { _ = m.Digest() }); got > 10 {
		t.Errorf("digest of %d entries: %v allocations, want at most 10", n, got)
	}
	var out bytes.Buffer
	if got := testing.AllocsPerRun(10, func() { out.Reset(); _ = m.WriteJSON(&out) }); got > 6*n {
		t.Errorf("%d entries as JSON: %v allocations, want at most 6 each", n, got)
	}
	text := out.Bytes()
	if got := testing.AllocsPerRun(10, func() { _, _ = ReadManifest(bytes.NewReader(text)) }); got > 25*n {
		t.Errorf("%d entries read: %v allocations, want at most 25 each", n, got)
	}
}
