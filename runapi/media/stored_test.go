package media

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keepFiles writes what a store has into a folder, as a download does.
func keepFiles(t *testing.T, m *memory) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range m.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestOpenTable: a table with media comes back from an artifact as it was, and
// goes into another one as it was.
func TestOpenTable(t *testing.T) {
	tab := NewTable("n", "t", "page", "list")
	tab.Mutable = true
	at := time.Date(2024, 1, 2, 3, 4, 5, 678e6, time.UTC)
	if err := errors.Join(tab.Add(1.5, at, HTML{Text: "x", Raw: true}, []int{1}), tab.Add(nil, nil, nil, nil)); err != nil {
		t.Fatal(err)
	}
	first, m := inArtifact(t, tab)
	dir := keepFiles(t, m)
	for _, name := range []string{"x", "x.table.json"} {
		v, err := Open(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		back := v.(*Table)
		if got := fmt.Sprint(back.Row(0)[0], back.Row(0)[1].(time.Time).Equal(at), back.Row(1)); got != "1.5 true [<nil> <nil> <nil> <nil>]" {
			t.Errorf("got %s", got)
		}
		page := back.Row(0)[2].(*Stored)
		path, err := page.Path()
		if text, err2 := os.ReadFile(path); err != nil || err2 != nil || string(text) != "x" || page.Type() != "html-file" {
			t.Errorf("page: %q %v %v", text, err, err2)
		}
		if again, _ := inArtifact(t, back); again != first {
			t.Errorf("again: got %s, want %s", again, first)
		}
	}
}

// TestOpenImage: masks, boxes and classes of an image in an artifact.
func TestOpenImage(t *testing.T) {
	m := &memory{puts{files: map[string]string{
		"pic.image-file.json": `{"_type": "image-file", "path": "media/images/00112233445566778899/a.png", "caption": "c", "width": 2, "height": 1, "format": "png",
			"masks": {"m": {"_type": "mask", "path": "media/images/mask/x.mask.png"}}, "boxes": {"b": [{"class_id": 1}]},
			"classes": {"path": "media/classes/k_cls.classes.json"}}`,
		"media/images/00112233445566778899/a.png": "pixels", "media/images/mask/x.mask.png": "grey",
		"media/classes/k_cls.classes.json": `{"_type": "classes", "class_set": [{"id": 1, "name": "cat"}]}`,
	}}}
	v, err := Open(keepFiles(t, m), "pic")
	if err != nil {
		t.Fatal(err)
	}
	got, in := inArtifact(t, v)
	for _, want := range []string{`"boxes": {"b": [{"class_id": 1}]}, "caption": "c", "classes": {"digest": "digest", "path": "media/classes/k_cls.classes.json", "type": "classes-file"}`,
		`"masks": {"m": {"_type": "mask", "path": "media/images/mask/`, `"path": "media/images/`} {
		if !strings.Contains(got, want) {
			t.Errorf("artifact: got %s, want %s", got, want)
		}
	}
	if text := in.files["media/classes/k_cls.classes.json"]; text != `{"_type": "classes", "class_set": [{"id": 1, "name": "cat"}]}` {
		t.Errorf("classes: %s", text)
	}
	row, run := inRun(t, v)
	if !strings.Contains(row, `"boxes":{"b":{"_type":"boxes2D","path":"media/metadata/boxes2D/`) {
		t.Errorf("row: %s", row)
	}
	if got := compact(t, run.config["mask/class_labels|key_wandb_delimeter_m"]); got != `{"key":"key_wandb_delimeter_m","type":"mask/class_labels","value":{"1":"cat"}}` {
		t.Errorf("config: %s", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	m := &memory{puts{files: map[string]string{
		"no.table.json": `{"_type": "table"}`, "list.table.json": `[]`, "bad.table.json": `{`, "none.table.json": `{}`,
		"row.table.json": `{"_type": "table", "columns": ["a"], "data": [1]}`, "ragged.table.json": `{"_type": "table", "columns": ["a"], "data": [[1, 2]]}`,
		"twice.table.json":    `{"_type": "table", "columns": ["a", "a"], "data": []}`,
		"out.image-file.json": `{"_type": "image-file", "path": "../../x"}`, "path.image-file.json": `{"_type": "image-file"}`,
	}}}
	dir := keepFiles(t, m)
	f := func(name, want string) {
		t.Helper()
		_, err := Open(dir, name)
		refused(t, err, want)
	}
	f("no", "table without columns or data")
	f("list", "want a JSON object")
	f("bad", "bad.table.json")
	f("none", "it has no _type")
	f("row", "table row 0 is no list")
	f("ragged", "table row of 2 cells: want 1")
	f("twice", `two columns "a"`)
	f("path", "image-file has no path")
	for _, name := range []string{"nothing", "../x", "", "media"} {
		if _, err := Open(dir, name); !errors.Is(err, ErrNoObject) {
			t.Errorf("%q: got %v, want %v", name, err, ErrNoObject)
		}
	}
	v, err := Open(dir, "out")
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.StoreMedia(&memory{})
	refused(t, err, "want a file of the artifact")
	_, err = (*Stored)(nil).StoreMedia(&memory{})
	refused(t, err, "nil")
}

// FuzzReadTable: a table that could be read is written and read again as it is.
func FuzzReadTable(f *testing.F) {
	for _, seed := range []string{
		`{"columns":["n","text"],"data":[[1,"a"],[2.5,null]]}`, `{"_type": "table", "columns": ["a"], "data": [[{"_type": "histogram", "values": [1], "bins": [0, 1]}]], "log_mode": "MUTABLE"}`,
		`{"columns":["t"],"data":[[1704164645678],[1.5]],"column_types":{"wb_type":"typedDict","params":{"type_map":{"t":{"wb_type":"timestamp"}}}}}`,
		`{"columns":[1,2],"data":[[[1,"x",null],{"a":[{"b":NaN}]}]]}`, `{"columns":["a"],"data":[["x"],[1]]}`, `{`, `[]`, `{"columns":["a"],"data":[[1,2]]}`,
		`{"columns":["x"],"data":[[9223372036854775808],[-Infinity]]}`,
	} {
		f.Add(seed)
	}
	f.Add(`{"columns":["deep"],"data":[[` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `]]}`) // types are found in one pass
	f.Add(`{"columns":["deep"],"data":[[` + strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100) + `]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		tab, err := ReadTable(strings.NewReader(text))
		if err != nil {
			return
		}
		for i := range tab.Len() {
			for _, c := range tab.Row(i) {
				if _, ok := c.(*Stored); ok {
					return // its file is not there
				}
			}
		}
		m := newMemory()
		if _, _, err := m.AddObject("x", tab); err != nil {
			return // media deeper in a cell
		}
		first := m.files["x.table.json"]
		again, err := ReadTable(strings.NewReader(first))
		if err != nil {
			t.Fatalf("%q was written as %q, which cannot be read: %v", text, first, err)
		}
		if second, _ := inArtifact(t, again); second != first {
			t.Fatalf("%q was written as\n%q, and then as\n%q", text, first, second)
		}
	})
}
