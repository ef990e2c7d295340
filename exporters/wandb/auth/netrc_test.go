package auth

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

var (
	oldKey = strings.Repeat("0", 40)
	newKey = strings.Repeat("1", 40)
)

func TestPasswordFor(t *testing.T) {
	f := func(text, machine, want string) {
		t.Helper()
		if got := passwordFor(parseNetrc([]byte(text)), machine); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f("machine h login u password p", "h", "p")
	f("machine h:8080\n\tlogin u\n\tpassword p\n", "h:8080", "p")
	f("machine h:8080 login u password p", "h", "")
	f(`machine h login "a b" password "p \"q\" \\r"`, "h", `p "q" \r`)
	f("machine h password #p", "h", "#p")
	f("# machine h password no\nmachine h password p # comment\n", "h", "p")
	f("machine h login u # password no\n password p\n", "h", "p")
	f("machine a password machine machine h password p", "h", "p")
	f("machine a password machine machine h password p", "a", "machine")
	f("macdef init\nmachine h password no\n\nmachine h password p", "h", "p")
	f("macdef init\nmachine h password no", "h", "")
	f("macdef init\r\nmachine h password no\r\n\r\nmachine h password p\r\n", "h", "p")
	f("default login u password p", "h", "")
	f("machine h password a machine h password b", "h", "b")
	f("machine h account x user y password p", "h", "p")
	f("machine h", "h", "")
	f("machine", "", "")
	f("machine h password", "h", "")
	f("", "h", "")
}

// TestSetPassword: everything but the password of the machine stays.
func TestSetPassword(t *testing.T) {
	const entry = "machine h\n  login user\n  password NEW\n"
	f := func(text, want string) {
		t.Helper()
		got := string(setPassword([]byte(text), "h", newKey))
		if want = strings.ReplaceAll(want, "NEW", newKey); got != want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
	f("", entry)
	f("# mine\nmachine a login b password c", "# mine\nmachine a login b password c\n"+entry)
	f("machine a login b password c\n", "machine a login b password c\n"+entry)
	f("machine h login me password \"old one\" # note\nmachine b\n", "machine h login me password NEW # note\nmachine b\n")
	f("machine h\n\tlogin me\n\n# b\nmachine b password x\n", "machine h\n\tlogin me\n  password NEW\n\n# b\nmachine b password x\n")
	f("machine h password a\nmachine h password b\n", "machine h password NEW\nmachine h password NEW\n")
	f("machine a password b\ndefault login x password y\n", "machine a password b\n"+entry+"default login x password y\n")
	f("machine h password a\ndefault password y\n", "machine h password NEW\ndefault password y\n")
	f("macdef init\ncd /tmp\n", "macdef init\ncd /tmp\n\n"+entry)
	f("macdef init\ncd /tmp\n\n", "macdef init\ncd /tmp\n\n"+entry)
	f("macdef init\nmachine h password no\n\nmachine a password b\n", "macdef init\nmachine h password no\n\nmachine a password b\n"+entry)
	f("machine hh password a\nmachine H password b\n", "machine hh password a\nmachine H password b\n"+entry)
}

// FuzzSetPassword: whatever the file holds, the other entries keep their bytes,
// and the machine has the new password or the file is recognised as broken.
func FuzzSetPassword(f *testing.F) {
	for _, s := range []string{
		"machine h login u password p\n", "machine a login \"x y\" password z # c\nmacdef m\n a\n\nmachine h\ndefault password d",
		"macdef init\nx", "machine h password", "\\", "\"", "# x", "machine a\r\n password b\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := parseNetrc(data)
		out := setPassword(data, "h", newKey)
		after := parseNetrc(out)
		if passwordFor(after, "h") != newKey {
			return // Store refuses it
		}
		var kept []entry
		for _, e := range after {
			if e.isDef || e.machine != "h" {
				kept = append(kept, e)
			}
		}
		i := 0
		for _, e := range before {
			if !e.isDef && e.machine == "h" {
				continue
			}
			if i == len(kept) || !bytes.Equal(data[e.start:e.end], out[kept[i].start:kept[i].end]) {
				t.Fatalf("%q became %q: an entry changed", data, out)
			}
			i++
		}
		if i != len(kept) {
			t.Fatalf("%q became %q: an entry came up", data, out)
		}
		if again := setPassword(out, "h", newKey); !bytes.Equal(again, out) {
			t.Errorf("%q, again %q", out, again)
		}
	})
}

// TestStore: through a link, with mode 0600, and not into a broken file.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	real, path := filepath.Join(dir, "real"), filepath.Join(dir, "netrc")
	if err := os.WriteFile(real, []byte("machine a login b password c\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", path); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{oldKey, newKey} {
		if err := Store(path, "https://h:8443/sub", api.NewKey(key)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(real)
	if want := "machine a login b password c\nmachine h:8443\n  login user\n  password " + newKey + "\n"; err != nil || string(data) != want {
		t.Errorf("got %q, %v, want %q", data, err, want)
	}
	if st, err := os.Lstat(path); err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link: got %v, %v", st, err)
	}
	if st, err := os.Stat(real); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file: got %v, %v", st, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	bad := func(path, text, base, key, want string) {
		t.Helper()
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := Store(path, base, api.NewKey(key))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), key) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
		if now, _ := os.ReadFile(path); text != "" && string(now) != text {
			t.Errorf("%q became %q", text, now)
		}
	}
	broken := filepath.Join(dir, "broken")
	bad(broken, "machine a password \"b", "https://h", newKey, "repair it")
	bad(broken, "machine a login", "https://h", newKey, "repair it")
	bad(broken, strings.Repeat("#\n", 1<<20), "https://h", newKey, "longer than")
	bad(filepath.Join(dir, "none", "netrc"), "", "https://h", newKey, "no such file")
	bad(dir, "", "https://h", newKey, "is no file")
	bad("", "", "https://h", newKey, "NETRC")
	bad(broken, "", "h", newKey, "no host")
	bad(broken, "", "https://h", "zzz", "3 characters")
}
