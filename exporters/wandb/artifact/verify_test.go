package artifact

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	s := served(t, map[string]string{"x": "1", "d/y": "2", "z": "3"}, Entry{Path: "ref", Digest: "tag", Ref: "s3://b/k"})
	dir := t.TempDir()
	mustDownload(t, s, dir, DownloadOptions{SkipReferences: true})
	check := func(want string) {
		t.Helper()
		v, err := Verify(t.Context(), s.client, latest, dir, 4)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(v.Missing, ",") + ";" + strings.Join(v.Wrong, ",") + ";" + strings.Join(v.Extra, ",")
		if got != want || v.Equal() != (want == ";;" || want == ";;d/mine") || v.References != 1 {
			t.Errorf("got %s, %+v, want %s", got, v, want)
		}
	}
	check(";;")
	if err := os.WriteFile(dir+"/d/mine", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check(";;d/mine")
	if err := errors.Join(os.Remove(dir+"/z"), os.WriteFile(dir+"/x", []byte("9"), 0o600), os.Remove(dir+"/d/y"), os.Mkdir(dir+"/d/y", 0o700)); err != nil {
		t.Fatal(err)
	}
	check("z;d/y,x;d/mine")
	if _, err := Verify(t.Context(), s.client, latest, dir+"/none", 4); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
}
