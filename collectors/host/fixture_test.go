//go:build linux

package host

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// machine is a copy of a captured tree that a test may change.
type machine struct {
	t    testing.TB
	root string
	cfg  Config
	disk map[string]syscall.Statfs_t // answers of statfs by path; others fail with ENOENT
}

// newMachine copies testdata/name. numa64 gets a topology of 2 packages with
// 16 cores of 2 threads.
func newMachine(t testing.TB, name string) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir(), disk: map[string]syscall.Statfs_t{}}
	if err := os.CopyFS(m.root, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	if name == "numa64" {
		for i := range 64 {
			dir := "sys/devices/system/cpu/cpu" + strconv.Itoa(i) + "/topology/"
			m.write(dir+"core_id", fmt.Sprintln(i%16))
			m.write(dir+"physical_package_id", fmt.Sprintln(i/16%2))
		}
	}
	m.cfg = Config{Proc: m.root + "/proc", Sys: m.root + "/sys", Dev: m.root + "/dev"}
	m.disk["/"] = syscall.Statfs_t{Blocks: 1000, Bfree: 400, Bavail: 300, Files: 50, Ffree: 20, Frsize: 4096, Flags: statReadonly}
	m.disk["/data"] = syscall.Statfs_t{Blocks: 1 << 40, Bfree: 1 << 39, Bavail: 1 << 39, Bsize: 4096, Frsize: 512}
	m.disk["/home dir"] = syscall.Statfs_t{Blocks: 100, Bfree: 100, Bavail: 100, Bsize: 4096}
	m.disk["/btrfs"] = m.disk["/home dir"]
	m.disk[m.root+"/dev/shm"] = syscall.Statfs_t{Blocks: 64, Bfree: 32, Bavail: 32, Bsize: 4096}
	return m
}

// write replaces a file in place, so that kept descriptors see it.
func (m *machine) write(rel, content string) {
	m.t.Helper()
	path := filepath.Join(m.root, rel)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// edit replaces old, which must be there, in a file.
func (m *machine) edit(rel, old, new string) {
	m.t.Helper()
	b, err := os.ReadFile(filepath.Join(m.root, rel))
	if err != nil || !bytes.Contains(b, []byte(old)) {
		m.t.Fatalf("edit %s: %q not found (%v)", rel, old, err)
	}
	m.write(rel, strings.ReplaceAll(string(b), old, new))
}

func (m *machine) statfs(path *rawPath, into *syscall.Statfs_t) error {
	st, ok := m.disk[strings.TrimSuffix(string(path.b), "\x00")]
	if !ok {
		return syscall.ENOENT
	}
	*into = st
	return nil
}

// isDir says yes to the directories that have an answer of statfs.
func (m *machine) isDir(path string) bool {
	_, ok := m.disk[path]
	return ok
}

// sources are those of the machine, closed when the test ends.
func (m *machine) sources() map[string]*run {
	m.t.Helper()
	cfg, err := m.cfg.withDefaults()
	if err != nil {
		m.t.Fatal(err)
	}
	s := sample.NewSchema(0)
	runs := make(map[string]*run)
	for i, src := range sources(cfg, calls{statfs: m.statfs, isDir: m.isDir}) {
		runs[src.Name] = &run{t: m.t, Source: src, schema: s.Scope(sample.SourceID(i+1), "")}
		m.t.Cleanup(func() { src.Collector.(interface{ Close() error }).Close() })
	}
	return runs
}

// run drives one source as the agent does.
type run struct {
	agent.Source
	t      testing.TB
	schema *sample.Schema
	frame  sample.Frame
	now    int64
}

func (r *run) describe() {
	r.t.Helper()
	if err := r.Collector.Describe(r.schema); err != nil {
		r.t.Fatalf("%s: Describe: %v", r.Name, err)
	}
}

// tick collects once, one second after the tick before.
func (r *run) tick() error {
	r.now += 1e9
	r.frame.Reset()
	r.frame.Time = r.now
	return r.Collector.Collect(context.Background(), &r.frame)
}

func (r *run) mustTick() {
	r.t.Helper()
	if err := r.tick(); err != nil {
		r.t.Fatalf("%s: Collect: %v", r.Name, err)
	}
}

// changed ticks and wants sample.ErrChanged, then describes and ticks again.
func (r *run) changed() {
	r.t.Helper()
	if err := r.tick(); !errors.Is(err, sample.ErrChanged) {
		r.t.Fatalf("%s: Collect: got %v, want ErrChanged", r.Name, err)
	}
	r.describe()
	r.mustTick()
}

// values are those of the newest frame, by name{label=value,...}.
func (r *run) values() map[string]float64 {
	r.t.Helper()
	all := make(map[string]float64)
	for i, ref := range r.frame.Refs {
		sr, _ := r.schema.Series(ref)
		if sr.Ended {
			r.t.Errorf("%s: value of an ended series %s", r.Name, key(&sr.Desc))
		}
		if _, twice := all[key(&sr.Desc)]; twice {
			r.t.Errorf("%s: two values of %s", r.Name, key(&sr.Desc))
		}
		all[key(&sr.Desc)] = r.frame.Vals[i]
	}
	return all
}

// series finds a series by its key, ended ones last.
func (r *run) series(want string) sample.Series {
	r.t.Helper()
	list, _ := r.schema.AppendSeries(nil)
	var found *sample.Series
	for i := range list {
		if key(&list[i].Desc) == want && (found == nil || !list[i].Ended) {
			found = &list[i]
		}
	}
	if found == nil {
		r.t.Fatalf("%s: no series %s", r.Name, want)
	}
	return *found
}

func key(d *sample.Desc) string {
	var labels []string
	for _, l := range d.Labels {
		labels = append(labels, l.Name[strings.LastIndexByte(l.Name, '.')+1:]+"="+l.Value)
	}
	return d.Name + "{" + strings.Join(labels, ",") + "}"
}

// TestGolden compares every value of two ticks with what was checked by hand
// when the file was written.
func TestGolden(t *testing.T) {
	for _, name := range []string{"vm2", "numa64"} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, name)
			var out bytes.Buffer
			for _, tier := range []string{"host/fast", "host/medium"} {
				r := m.sources()[tier]
				r.describe()
				r.mustTick()
				v := r.values()
				fmt.Fprintf(&out, "# %s\n", tier)
				var keys []string
				for k := range v {
					keys = append(keys, k)
				}
				slices.Sort(keys)
				for _, k := range keys {
					fmt.Fprintf(&out, "%s %s\n", k, strconv.FormatFloat(v[k], 'f', -1, 64))
				}
			}
			checkGolden(t, filepath.Join("testdata", name+".golden"), bytes.ReplaceAll(out.Bytes(), []byte(m.root), []byte("ROOT")))
		})
	}
}

func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s line %d (run with -update to rewrite):\n got %q\nwant %q", path, i+1, g[min(i, len(g)-1)], w[min(i, len(w)-1)])
		}
	}
}
