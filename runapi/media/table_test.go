package media

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// TestTableLikeTheOfficialClient: the wanted texts are what wandb.Table writes
// for the same cells.
func TestTableLikeTheOfficialClient(t *testing.T) {
	tab := NewTable("i", "f", "s", "b", "t", "l", "m", "n", "emb")
	at := time.Date(2024, 1, 2, 3, 4, 5, 678e6, time.UTC)
	err := errors.Join(
		tab.Add(1, 1.5, "é", true, at, []int{1, 2}, map[string]any{"a": 1, "b": []float64{1}}, nil, []float32{.5, .5, .5}),
		tab.Add(2, math.NaN(), nil, false, nil, []int{1, 2, 3}, map[string]any{"a": 2, "b": []float64{2}}, nil, []float64{1, 1, 1}),
	)
	if err != nil {
		t.Fatal(err)
	}
	u := func(a, b string) string {
		return `{"params": {"allowed_types": [` + a + `, ` + b + `]}, "wb_type": "union"}`
	}
	none := `{"wb_type": "none"}`
	list := func(n int) string {
		return fmt.Sprintf(`{"params": {"element_type": {"wb_type": "number"}, "length": %d}, "wb_type": "list"}`, n)
	}
	types := `{"params": {"type_map": {"b": ` + u(`{"wb_type": "boolean"}`, none) + `, "emb": ` + u(none, list(3)) + `, "f": ` + u(none, `{"wb_type": "number"}`) +
		`, "i": ` + u(none, `{"wb_type": "number"}`) +
		`, "l": ` + u(none, list(3)) + `, "m": ` + u(none, `{"params": {"type_map": {"a": {"wb_type": "number"}, "b": `+list(1)+`}}, "wb_type": "typedDict"}`) +
		`, "n": ` + u(none, `{"wb_type": "unknown"}`) + `, "s": ` + u(none, `{"wb_type": "string"}`) + `, "t": ` + u(none, `{"wb_type": "timestamp"}`) + `}}, "wb_type": "typedDict"}`
	want := `{"_type": "table", "column_types": ` + types + `, "columns": ["i", "f", "s", "b", "t", "l", "m", "n", "emb"], "data": ` +
		`[[1, 1.5, "\u00e9", true, 1704164645678, [1, 2], {"a": 1, "b": [1.0]}, null, [0.5, 0.5, 0.5]], ` +
		`[2, null, null, false, null, [1, 2, 3], {"a": 2, "b": [2.0]}, null, [1.0, 1.0, 1.0]]], "log_mode": "IMMUTABLE", "ncols": 9, "nrows": 2}`
	if got, _ := inArtifact(t, tab); got != want {
		t.Errorf("artifact:\ngot  %s\nwant %s", got, want)
	}
	row, m := inRun(t, tab)
	if want := `"_type":"table-file","artifact_path":"run_table.table.json","log_mode":"IMMUTABLE","ncols":9,"nrows":2,"path":"media/table/`; !strings.HasPrefix(row, "{"+want) {
		t.Errorf("run: got %s, want %s", row, want)
	}
	want = `{"columns":["i","f","s","b","t","l","m","n","emb"],"data":[[1,1.5,"é",true,"2024-01-02T03:04:05.678Z",[1,2],{"a":1,"b":[1.0]},null,[0.5,0.5,0.5]],` +
		`[2,NaN,null,false,null,[1,2,3],{"a":2,"b":[2.0]},null,[1.0,1.0,1.0]]]}`
	for _, got := range m.files {
		if got != want {
			t.Errorf("file:\ngot  %s\nwant %s", got, want)
		}
	}
}

func TestTableRefuses(t *testing.T) {
	f := func(tab *Table, cells []any, want string) {
		t.Helper()
		before := tab.Len()
		refused(t, tab.Add(cells...), want)
		if tab.Len() != before {
			t.Error("the row was added")
		}
	}
	tab := NewTable("n", "s")
	if err := tab.Add(1, "x"); err != nil {
		t.Fatal(err)
	}
	f(tab, []any{1}, `table row of 1 cells: want 2: ["n" "s"]`)
	f(tab, []any{1, "x", 2}, `table row of 3 cells`)
	f(tab, []any{"1", "x"}, `table column "n": cell of type string: want nil or number`)
	f(tab, []any{1, []int{1}}, `table column "s": cell of type list of number: want nil or string`)
	f(tab, []any{1, func() {}}, `table column "s": a cell cannot be a func()`)
	f(NewTable("a", "a"), []any{1, 2}, `two columns "a"`)
	f(NewTable("a", ""), []any{1, 2}, `table column 1 has no name`)
	f(nil, []any{1}, "nil")
	for _, v := range []Value{&Histogram{}, Plotly{}, Graph{}, Chart{}} {
		if err := NewTable("l").Add(v); !errors.Is(err, ErrLoggedOnly) {
			t.Errorf("%T: got %v, want %v", v, err, ErrLoggedOnly)
		}
		if _, err := v.StoreMedia(newMemory()); !errors.Is(err, ErrLoggedOnly) && !strings.Contains(err.Error(), "0 bins") {
			t.Errorf("%T: got %v, want %v", v, err, ErrLoggedOnly)
		}
	}
	loop := []any{nil}
	loop[0] = loop
	f(NewTable("l"), []any{loop}, `table column "l": `)
	deep := any(1)
	for range 33 {
		deep = map[string]any{"a": deep}
	}
	f(NewTable("l"), []any{deep}, `table column "l": cell nested deeper than 32 levels`)
	lists := NewTable("l")
	if err := lists.Add([]any{1, nil}); err != nil {
		t.Fatal(err)
	}
	f(lists, []any{[]any{"x"}}, "cell of type list of string: want nil or list of nil or number")
	dicts := NewTable("d")
	if err := dicts.Add(map[string]any{"a": 1}); err != nil {
		t.Fatal(err)
	}
	f(dicts, []any{map[string]any{"b": 1}}, "typedDict")
	for _, bad := range []*Table{nil, NewTable(), NewTable("a", "a")} {
		if _, err := bad.StoreMedia(&memory{}); err == nil {
			t.Errorf("%v was stored", bad)
		}
	}
	tab.MixedTypes = true
	if err := tab.Add("1", []int{1}); err != nil {
		t.Error(err)
	}
	text, _ := inArtifact(t, tab)
	if want := `"n": {"params": {"allowed_types": [{"wb_type": "any"}, {"wb_type": "none"}]}, "wb_type": "union"}`; !strings.Contains(text, want) {
		t.Errorf("got %s, want %s", text, want)
	}
}

// TestTableLimits: the artifact has all rows up to the limit, the file of the
// run its first ones.
func TestTableLimits(t *testing.T) {
	tab := NewTable("n")
	for i := range MaxTableRows {
		if err := tab.Add(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Add(0); !errors.Is(err, ErrTableFull) {
		t.Errorf("got %v, want %v", err, ErrTableFull)
	}
	row, m := inRun(t, tab)
	if !strings.Contains(row, `"nrows":200000`) {
		t.Errorf("got %s", row)
	}
	for name, text := range m.files {
		if n := strings.Count(text, "["); n != MaxPreviewRows+2 || !strings.HasSuffix(text, "[9999]]}") {
			t.Errorf("%s: %d rows", name, n-2)
		}
	}
	if text := m.logged.files["run_table.table.json"]; !strings.Contains(text, `[199999]], "log_mode"`) {
		t.Errorf("artifact ends in %s", text[len(text)-80:])
	}
}

type sample struct {
	Name  string `table:"name"`
	Score float64
	place
	Pic    *Stored `json:"pic,omitempty"`
	Hidden int     `table:"-"`
	none   int
}

type place struct{ X, Y int }

func TestTableOfStructs(t *testing.T) {
	tab, err := TableOf([]*sample{{Name: "a", Score: 1, place: place{2, 3}, none: 1}, nil})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(tab.Columns(), tab.Row(0), tab.Row(1), tab.Row(2)), "[name Score X Y pic] [a 1 2 3 <nil>] [<nil> <nil> <nil> <nil> <nil>] []"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err = TableOf([]int{1})
	refused(t, err, "table of int: want structs")
	_, err = TableOf([]struct{ x int }{{1}})
	refused(t, err, "no exported fields")
	_, err = TableOf([]struct{ F any }{{1}, {"x"}})
	refused(t, err, `row 1: table column "F"`)
	if cells, ok := tab.Column("Score"); !ok || fmt.Sprint(cells) != "[1 <nil>]" {
		t.Errorf("column: got %v, %v", cells, ok)
	}
	if _, ok := tab.Column("none"); ok {
		t.Error("there is a column none")
	}
}

func ExampleTable() {
	t := NewTable("name", "score")
	for i, name := range []string{"first", "second"} {
		if err := t.Add(name, float64(i)/2); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(t.Len(), t.Row(1))
	fmt.Println(t.Add("third", "much"))
	// Output:
	// 2 [second 0.5]
	// table column "score": cell of type string: want nil or number
}

func ExampleTableOf() {
	type result struct {
		Name  string  `table:"name"`
		Score float64 `table:"score"`
	}
	t, err := TableOf([]result{{"a", 0.5}, {"b", 1}})
	fmt.Println(t.Columns(), t.Len(), err)
	// Output: [name score] 2 <nil>
}
