package media

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// TestCurvesLikeTheOfficialClient: testdata/curves.json is what wandb.plot makes,
// with scikit-learn, of the same classes and probabilities.
func TestCurvesLikeTheOfficialClient(t *testing.T) {
	text, err := os.ReadFile("testdata/curves.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Truth              []int
		Probs              [][]float64
		PR, ROC, Confusion [][]any
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	names := []string{"a", "b", "c"}
	f := func(c Chart, err error, want [][]any) {
		t.Helper()
		if err != nil || c.Table.Len() != len(want) {
			t.Fatalf("%d rows, %v, want %d", c.Table.Len(), err, len(want))
		}
		for i, row := range want {
			if got := fmt.Sprint(c.Table.Row(i)); got != fmt.Sprint(row) {
				t.Errorf("%s: row %d: got %s, want %v", c.Spec, i, got, row)
			}
		}
	}
	c, err := PRCurve(golden.Truth, golden.Probs, names, ChartOptions{})
	f(c, err, golden.PR)
	c, err = ROCCurve(golden.Truth, golden.Probs, names, ChartOptions{})
	f(c, err, golden.ROC)
	c, err = ConfusionMatrix(golden.Truth, Predicted(golden.Probs), names, ChartOptions{})
	f(c, err, golden.Confusion)
}

// TestChartsAreDescribed: the wanted text is what the official client puts into
// the config.
func TestChartsAreDescribed(t *testing.T) {
	tab := NewTable("x", "y")
	if err := tab.Add(0, 1); err != nil {
		t.Fatal(err)
	}
	panel := func(spec, fields, texts, table string) string {
		return `{"panel_config":{"fieldSettings":` + fields + `,"panelDefId":"` + spec + `","stringSettings":` + texts + `,"transform":{"name":"tableWithLeafColNames"},` +
			`"userQuery":{"queryFields":[{"args":[{"name":"runSets","value":"${runSets}"}],"fields":[{"fields":[],"name":"id"},{"fields":[],"name":"name"},` +
			`{"fields":[],"name":"_defaultColorIndex"},{"args":[{"name":"tableKey","value":"` + table + `"}],"fields":[],"name":"summaryTable"}],"name":"runSets"}]}},"panel_type":"Vega2"}`
	}
	f := func(c Chart, spec, fields, texts string) {
		t.Helper()
		_, m := inRun(t, c)
		table := c.MediaKey("whole.key")
		if got, want := compact(t, m.config["visualize|whole.key"]), panel(spec, fields, texts, table); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	o := ChartOptions{Title: "t"}
	title := `{"title":"t"}`
	f(LinePlot(tab, "x", "y", o), "wandb/line/v0", `{"stroke":null,"x":"x","y":"y"}`, title)
	f(LinePlot(tab, "x", "y", ChartOptions{Stroke: "x", Split: true}), "wandb/line/v0", `{"stroke":"x","x":"x","y":"y"}`, `{"title":""}`)
	f(ScatterPlot(tab, "x", "y", o), "wandb/scatter/v0", `{"x":"x","y":"y"}`, title)
	f(BarPlot(tab, "x", "y", o), "wandb/bar/v0", `{"label":"x","value":"y"}`, title)
	f(HistogramPlot(tab, "y", o), "wandb/histogram/v0", `{"value":"y"}`, title)
	f(Chart{Spec: "me/own", Table: tab, Fields: map[string]string{"a": "x"}, TableKey: "other"}, "me/own", `{"a":"x"}`, `{}`)
	c, err := LineSeries([][]float64{{0, 1}}, [][]float64{{1, 2}, {3, 4}}, nil, o)
	if err != nil || fmt.Sprint(c.Table.Row(3)) != "[1 line_1 4]" {
		t.Errorf("got %v, %v", c.Table.Row(3), err)
	}
	f(c, "wandb/lineseries/v0", `{"lineKey":"lineKey","lineVal":"lineVal","step":"step"}`, `{"title":"t","xname":"x"}`)
	for key, c := range map[string]Chart{"k_table": {}, "Custom Chart Tables/k_table": {Split: true}, "own": {Split: true, TableKey: "own"}} {
		if got := c.MediaKey("k"); got != key {
			t.Errorf("got %s, want %s", got, key)
		}
	}
}

func TestChartsRefuse(t *testing.T) {
	tab := NewTable("x")
	store := func(c Chart) error { _, err := c.StoreMedia(&runMemory{}); return err }
	var bad *ColumnError
	if err := store(LinePlot(tab, "x", "y", ChartOptions{})); !errors.As(err, &bad) || bad.Column != "y" || bad.Field != "y" {
		t.Errorf("got %v, want the column y", err)
	}
	refused(t, store(Chart{Table: tab}), "want the name of a definition")
	refused(t, store(Chart{Spec: "s"}), "want a Table")
	_, err := Chart{Spec: "s", Table: tab}.StoreMedia(&memory{})
	refused(t, err, "it can be logged only")
	f := func(_ Chart, err error) func(string) {
		return func(want string) { t.Helper(); refused(t, err, want) }
	}
	o := ChartOptions{}
	f(LineSeries(nil, nil, nil, o))("0 lists of x and 0 of y")
	f(LineSeries([][]float64{{1}, {2}}, [][]float64{{1}}, nil, o))("2 lists of x and 1 of y")
	f(LineSeries([][]float64{{1}}, [][]float64{{1, 2}}, nil, o))("line_0: 1 values of x and 2 of y")
	f(LineSeries([][]float64{{1}}, [][]float64{{1}}, []string{"a", "b"}, o))("2 keys for 1 lines")
	f(PRCurve([]int{0}, nil, nil, o))("1 true classes and 0 samples")
	f(PRCurve(nil, nil, nil, o))("0 true classes")
	f(PRCurve([]int{2}, [][]float64{{0, 1}}, nil, o))("class 2 of sample 0: want 0 to 1")
	f(PRCurve([]int{0, 1}, [][]float64{{0, 1}, {1}}, nil, o))("sample 1 has 1 probabilities: want 2")
	f(ROCCurve([]int{0}, [][]float64{{0, math.NaN()}}, nil, o))("want finite numbers")
	f(ROCCurve([]int{0}, [][]float64{{0, 1}}, []string{"a"}, o))("1 names for 2 classes")
	f(ConfusionMatrix([]int{0}, nil, nil, o))("1 true classes and 0 predicted ones")
	f(ConfusionMatrix(nil, nil, nil, o))("there are no classes")
	f(ConfusionMatrix([]int{0, 3}, []int{0, 0}, []string{"a", "b"}, o))("classes 3 and 0 of sample 1: want 0 to 1")
}

// TestROCOfManySamples: a curve stays below the rows that a chart shows, and
// keeps its ends.
func TestROCOfManySamples(t *testing.T) {
	const n = 60_000
	truth, probs := make([]int, n), make([][]float64, n)
	for i := range n {
		truth[i] = (i * 7919 / 13) & 1
		p := float64((i*104729)%n) / n
		probs[i] = []float64{1 - p, p}
	}
	c, err := ROCCurve(truth, probs, nil, ChartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows := c.Table.Len()
	if rows > MaxPreviewRows || rows < MaxPreviewRows/2 {
		t.Errorf("%d rows", rows)
	}
	if first, last := fmt.Sprint(c.Table.Row(0)), fmt.Sprint(c.Table.Row(rows-1)); first != "[0 0 0]" || last != "[1 1 1]" {
		t.Errorf("from %s to %s", first, last)
	}
}

func ExampleConfusionMatrix() {
	c, err := ConfusionMatrix([]int{0, 1, 1}, []int{0, 1, 0}, []string{"cat", "dog"}, ChartOptions{Title: "pets"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range c.Table.Len() {
		fmt.Println(c.Table.Row(i))
	}
	// Output:
	// [cat cat 1]
	// [cat dog 0]
	// [dog cat 1]
	// [dog dog 1]
}

func ExampleLinePlot() {
	t := NewTable("epoch", "loss")
	for i, loss := range []float64{0.9, 0.5, 0.4} {
		if err := t.Add(i, loss); err != nil {
			fmt.Println(err)
		}
	}
	c := LinePlot(t, "epoch", "loss", ChartOptions{Title: "loss by epoch"})
	// run.Log(map[string]any{"curve": c})
	fmt.Println(c.Spec, strings.ToUpper(c.Strings["title"]), c.MediaKey("curve"))
	// Output: wandb/line/v0 LOSS BY EPOCH curve_table
}
