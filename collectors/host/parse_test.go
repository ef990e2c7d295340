//go:build linux

package host

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

func TestParseCPU(t *testing.T) {
	ok := func(line string, cpu int, want cpuTimes) {
		t.Helper()
		if n, got, err := parseCPU([]byte(line)); err != nil || n != cpu || got != want {
			t.Errorf("parseCPU(%q): got %d %v %v, want %d %v", line, n, got, err, cpu, want)
		}
	}
	bad := func(line string) {
		t.Helper()
		if n, got, err := parseCPU([]byte(line)); err == nil {
			t.Errorf("parseCPU(%q): got %d %v, want an error", line, n, got)
		}
	}
	ok("cpu  10 20 30 40 50 60 70 80 4 5", allCPUs, cpuTimes{6, 15, 30, 40, 50, 130, 80, 9})
	ok("cpu191 1 2 3 4", 191, cpuTimes{1, 2, 3, 4})
	ok("cpu0 1 2 3 4 5 6 7 8 9 10 11", 0, cpuTimes{0, 0, 3, 4, 5, 13, 8, 3}) // more guest than user: rounding
	bad("cpu0 1 2 3")
	bad("cpux 1 2 3 4")
	bad("cpu99999999 1 2 3 4")
	bad("cpu0 1 2 3 99999999999999999999")
	bad("cpu")
}

func TestParsePressure(t *testing.T) {
	check := func(in string, want stall, ok bool) {
		t.Helper()
		if got, err := parsePressure([]byte(in)); got != want || (err == nil) != ok {
			t.Errorf("parsePressure(%q): got %+v %v, want %+v", in, got, err, want)
		}
	}
	check("some avg10=0.00 avg60=0.00 avg300=0.00 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", stall{12, 7, true, true}, true)
	check("full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", stall{full: 7, hasFull: true}, true)
	check("some avg10=0.00 avg60=0.00 avg300=0.00 total=", stall{}, false)
	check("", stall{}, false)
}

func TestParseDisk(t *testing.T) {
	check := func(in string, n int, ok bool) {
		t.Helper()
		if got, err := parseDisk([]byte(in)); (err == nil) != ok || ok && got.n != n {
			t.Errorf("parseDisk(%q): got %d numbers, %v; want %d", in, got.n, err, n)
		}
	}
	check("8 0 sda 1 2 3 4 5 6 7 8 9 10 11", 11, true)
	check("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12", 11, true)
	check("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", 15, true)
	check("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19", 17, true)
	check("8 1 sda1 1 2 3 4", 0, false)
	check("8 0", 0, false)
	check("sda 1 2 3 4 5 6 7 8 9 10 11", 0, false)
}

func TestParseMount(t *testing.T) {
	check := func(in string, want mount) {
		t.Helper()
		if got, err := parseMount([]byte(in)); err != nil || got != want {
			t.Errorf("parseMount(%q): got %+v %v, want %+v", in, got, err, want)
		}
	}
	check(`36 35 98:0 /mnt1 /mnt\0402\134 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue`, mount{id: devID{98, 0}, point: `/mnt 2\`, fstype: "ext3", source: "/dev/root"})
	check(`36 35 8:1 / /ro ro - xfs /dev/sda1 rw`, mount{id: devID{8, 1}, point: "/ro", fstype: "xfs", source: "/dev/sda1", readonly: true})
	check(`36 35 0:5 / /x rw - tmpfs`, mount{id: devID{0, 5}, point: "/x", fstype: "tmpfs"})
	for _, bad := range []string{"", "36 35 98:0 / /mnt rw", "36 35 98 / /mnt rw - ext3 x rw", " - ext4 /dev/sda rw", "1 2 3:4 - ext4 a rw"} {
		if got, err := parseMount([]byte(bad)); err == nil {
			t.Errorf("parseMount(%q): got %+v, want an error", bad, got)
		}
	}
}

func TestParseSmallFiles(t *testing.T) {
	if l, err := parseLoadavg([]byte("0.78 0.35 0.18 1/96 13619\n")); err != nil || l != (load{[3]float64{0.78, 0.35, 0.18}, 1, 96}) {
		t.Errorf("loadavg: got %+v %v", l, err)
	}
	for _, bad := range []string{"", "0.1", "0.1 0.2 0.3", "0.1 0.2 0.3 1", "0.1 0.2 0.3 1/"} {
		if l, err := parseLoadavg([]byte(bad)); err == nil {
			t.Errorf("loadavg %q: got %+v, want an error", bad, l)
		}
	}
	if _, err := parseUptime([]byte("x")); err == nil {
		t.Error("uptime x: no error")
	}
	if _, _, err := parseFilenr([]byte("5\t0")); err == nil {
		t.Error("file-nr of two numbers: no error")
	}
	if list, err := parseCPUList([]byte("0-2,5,7-8\n")); err != nil || !reflect.DeepEqual(list, []int{0, 1, 2, 5, 7, 8}) {
		t.Errorf("CPU list: got %v %v", list, err)
	}
	for _, bad := range []string{"3-1", "0-", "a", "0;1", "0-99999999999"} {
		if list, err := parseCPUList([]byte(bad)); err == nil {
			t.Errorf("CPU list %q: got %v, want an error", bad, list)
		}
	}
}

func TestKeyedFollowsLinesThatMove(t *testing.T) {
	k := newKeyed(':', "A", "Bee")
	want := func(in string, a, b uint64, okA, okB bool) {
		t.Helper()
		k.parse([]byte(in))
		gotA, haveA := k.get("A")
		gotB, haveB := k.get("Bee")
		if gotA != a || gotB != b || haveA != okA || haveB != okB {
			t.Errorf("parse(%q): got %d %v, %d %v; want %d %v, %d %v", in, gotA, haveA, gotB, haveB, a, okA, b, okB)
		}
	}
	want("A: 1 kB\nBe: 9\nBee: 2\n", 1, 2, true, true)
	want("A: 3 kB\nBe: 9\nBee: 4", 3, 4, true, true)
	want("New: 7\nBee: 5\nA: 6", 6, 5, true, true)
	want("no colon\nA: 8", 8, 0, true, false)
	want("A:\nBee: x", 0, 0, false, false)
	want("", 0, 0, false, false)
}

func TestTruncatedFilesLeaveValuesOut(t *testing.T) {
	for _, name := range []string{"stat", "meminfo", "loadavg", "uptime", "diskstats", "net/dev", "pressure/io"} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, "vm2")
			full := mustRead(t, filepath.Join(m.root, "proc", name))
			r := m.sources()["host/fast"]
			r.describe()
			for cut := 0; cut < len(full); cut += 1 + len(full)/97 {
				m.write("proc/"+name, string(full[:cut]))
				if r.tick() != nil {
					continue // changed, or nothing left
				}
				for k, v := range r.values() {
					if v < 0 || math.IsNaN(v) {
						t.Fatalf("cut at %d: %s is %v", cut, k, v)
					}
				}
			}
		})
	}
}

func TestLabelKeepsNamesApart(t *testing.T) {
	seen := make(map[string]string)
	for _, name := range []string{"eth0", "eth\x80", "eth\xff", "eth\ufffd", `eth\x80`, "eth\n", "ethä", "", "eth\u0000"} {
		got := label([]byte(name))
		if !utf8.ValidString(got) {
			t.Errorf("label(%q): %q is no UTF-8", name, got)
		}
		if other, twice := seen[got]; twice {
			t.Errorf("label: %q and %q both become %q", name, other, got)
		}
		seen[got] = name
	}
}

// seed adds a fixture file to a corpus, whole and line by line.
func seed(f *testing.F, rel string) {
	for _, machine := range []string{"vm2", "numa64"} {
		b, err := os.ReadFile(filepath.Join("testdata", machine, "proc", rel))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		for line := range bytes.Lines(b) {
			f.Add(bytes.TrimSuffix(line, []byte("\n")))
		}
	}
}

func FuzzParseCPU(f *testing.F) {
	seed(f, "stat")
	f.Fuzz(func(t *testing.T, b []byte) {
		if !isCPU(b) {
			return
		}
		cpu, times, err := parseCPU(b)
		if err != nil {
			return
		}
		number := ""
		if cpu != allCPUs {
			number = strconv.Itoa(cpu)
		}
		x := times
		line := fmt.Sprintf("cpu%s %d %d %d %d %d %d 0 %d %d 0", number, x[modeUser]+x[modeGuest], x[modeNice], x[modeSystem], x[modeIdle], x[modeIowait], x[modeInterrupt], x[modeSteal], x[modeGuest])
		again, got, err := parseCPU([]byte(line))
		if x[modeUser]+x[modeGuest] < x[modeUser] {
			return // more ticks than fit, as no machine has
		}
		if err != nil || again != cpu || got != times {
			t.Fatalf("%q became %q: got %d %v %v, want %d %v", b, line, again, got, err, cpu, times)
		}
	})
}

func FuzzKeyed(f *testing.F) {
	seed(f, "meminfo")
	f.Fuzz(func(t *testing.T, b []byte) {
		names := []string{"MemTotal", "Cached", "Mlocked", "HugePages_Free"}
		k := newKeyed(':', names...)
		k.parse(b)
		first := append([]uint64(nil), k.vals...)
		have := append([]bool(nil), k.have...)
		k.parse([]byte("Cached: 1\nMlocked: 2\n")) // another layout between
		k.parse(b)
		if !reflect.DeepEqual(have, k.have) {
			t.Fatalf("%q parsed again: have %v, then %v", b, have, k.have)
		}
		var out strings.Builder
		for i, n := range names {
			if have[i] && first[i] != k.vals[i] {
				t.Fatalf("%q parsed again: %s was %d, then %d", b, n, first[i], k.vals[i])
			}
			if have[i] {
				fmt.Fprintf(&out, "%s: %d kB\n", n, first[i])
			}
		}
		k.parse([]byte(out.String()))
		for i, n := range names {
			if have[i] != k.have[i] || have[i] && first[i] != k.vals[i] {
				t.Fatalf("%q printed as %q: %s was %d %v, then %d %v", b, out.String(), n, first[i], have[i], k.vals[i], k.have[i])
			}
		}
	})
}

func FuzzParseNetdev(f *testing.F) {
	seed(f, "net/dev")
	f.Fuzz(func(t *testing.T, b []byte) {
		l, ok, err := parseNetdev(b)
		if !ok || err != nil {
			return
		}
		line := append(append([]byte("  "), l.name...), ':')
		for _, v := range l.v {
			line = fmt.Appendf(line, " %d", v)
		}
		if again, ok, err := parseNetdev(line); !ok || err != nil || !bytes.Equal(again.name, l.name) || again.v != l.v {
			t.Fatalf("%q became %q: got %+v %v %v", b, line, again, ok, err)
		}
	})
}

func FuzzParseDisk(f *testing.F) {
	seed(f, "diskstats")
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseDisk(b)
		if err != nil {
			return
		}
		line := fmt.Appendf(nil, "%4d %7d %s", l.id.major, l.id.minor, l.name)
		for _, v := range l.v[:l.n] {
			line = fmt.Appendf(line, " %d", v)
		}
		again, err := parseDisk(line)
		if err != nil || again.id != l.id || again.n != l.n || !bytes.Equal(again.name, l.name) || !reflect.DeepEqual(again.v[:l.n], l.v[:l.n]) {
			t.Fatalf("%q became %q: got %+v %v", b, line, again, err)
		}
	})
}

func FuzzParseMounts(f *testing.F) {
	seed(f, "self/mountinfo")
	escape := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)
	f.Fuzz(func(t *testing.T, b []byte) {
		mounts, _ := parseMounts(b)
		for _, m := range mounts {
			mode := "rw"
			if m.readonly {
				mode = "ro"
			}
			line := fmt.Sprintf("1 2 %d:%d / %s %s - %s %s rw", m.id.major, m.id.minor, escape.Replace(m.point), mode, escape.Replace(m.fstype), escape.Replace(m.source))
			again, err := parseMount([]byte(line))
			if m.source == "" { // the option would stand in its place
				again.source = ""
			}
			if err != nil || again != m {
				t.Fatalf("%+v became %q: got %+v %v", m, line, again, err)
			}
			if _, ok := at(mounts, m.point); !ok && m.point[0] == '/' && m.point == filepath.Clean(m.point) {
				t.Fatalf("no mount holds %q", m.point)
			}
		}
	})
}

func FuzzParseSmallFiles(f *testing.F) {
	for _, rel := range []string{"loadavg", "uptime", "sys/fs/file-nr", "pressure/cpu", "pressure/memory"} {
		seed(f, rel)
	}
	f.Add([]byte("0-3,8,10-11"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, limit, err := parseFilenr(b); err == nil {
			if n2, limit2, err := parseFilenr(fmt.Appendf(nil, "%d\t0\t%d\n", n, limit)); err != nil || n2 != n || limit2 != limit {
				t.Fatalf("file-nr %q: got %d %d, then %d %d %v", b, n, limit, n2, limit2, err)
			}
		}
		if s, err := parsePressure(b); err == nil {
			var out []byte
			if s.hasSome {
				out = fmt.Appendf(out, "some avg10=0.00 total=%d\n", s.some)
			}
			if s.hasFull {
				out = fmt.Appendf(out, "full avg10=0.00 total=%d\n", s.full)
			}
			if again, err := parsePressure(out); err != nil || again != s {
				t.Fatalf("pressure %q: got %+v, then %+v %v", b, s, again, err)
			}
		}
		if l, err := parseLoadavg(b); err == nil {
			out := strconv.AppendUint(append([]byte("1.00 2.50 3.25 "), strconv.FormatUint(l.running, 10)+"/"...), l.total, 10)
			if again, err := parseLoadavg(out); err != nil || again.running != l.running || again.total != l.total || again.avg != [3]float64{1, 2.5, 3.25} {
				t.Fatalf("loadavg %q: got %+v, then %+v %v", b, l, again, err)
			}
		}
		if s, err := parseUptime(b); err == nil && (s < 0 || math.IsNaN(s)) {
			t.Fatalf("uptime %q: got %v", b, s)
		}
		if list, err := parseCPUList(b); err == nil {
			var out []string
			for _, n := range list {
				out = append(out, strconv.Itoa(n))
			}
			if again, err := parseCPUList([]byte(strings.Join(out, ","))); err != nil || fmt.Sprint(again) != fmt.Sprint(list) {
				t.Fatalf("CPU list %q: got %v, then %v %v", b, list, again, err)
			}
		}
		if v := glibcVersion(b); strings.Trim(v, "0123456789.") != "" {
			t.Fatalf("glibcVersion(%q): got %q", b, v)
		}
		cpuModel(b)
		if !utf8.ValidString(label(b)) {
			t.Fatalf("label(%q) is no UTF-8", b)
		}
		if line, _ := procfile.Line(b); bytes.IndexByte(line, '\n') >= 0 {
			t.Fatalf("Line(%q): got %q", b, line)
		}
	})
}
