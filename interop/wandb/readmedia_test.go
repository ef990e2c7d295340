package wandb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/media"
	"github.com/wandb-agent/wandb-agent/runapi/media/picture"
)

// predictions is a table with cells of every kind.
func predictions() (*media.Table, picture.Image, error) {
	one, _, err := examplePictures()
	if err != nil {
		return nil, one, err
	}
	layered := one
	layered.Caption = "layered"
	layered.Masks = map[string]picture.Mask{"truth": {Classes: []uint8{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, Names: map[int]string{0: "no", 1: "yes"}}}
	layered.Boxes = map[string]picture.Boxes{"found": {List: []picture.Box{{MaxX: 0.5, MaxY: 0.25, Class: 1, Scores: map[string]float64{"p": 0.5}}}, Names: map[int]string{1: "yes"}}}
	t := media.NewTable("n", "text", "when", "vector", "map", "img", "page")
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	return t, layered, errors.Join(
		t.Add(1, "é", at, []float32{0.5, 1}, map[string]any{"a": 1}, one, media.HTML{Text: "<b>", Raw: true}),
		t.Add(2.5, nil, nil, []float32{1, 2}, nil, layered, nil))
}

func ourMediaObjects(ctx context.Context, _ []string) error {
	table, layered, err := predictions()
	if err != nil {
		return err
	}
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	a, err := artifact.New("objects", "dataset", artifact.Options{})
	if err != nil {
		return err
	}
	points := media.NewTable("x", "y")
	errs := []error{points.Add(1, 2), points.Add(2, 3)}
	for name, v := range map[string]media.Value{"tab": table, "pic": layered, "page": media.HTML{Text: "<i>", Raw: true}, "cloud": media.PointCloud{Points: [][3]float64{{1, 2, 3}}}} {
		_, err := a.AddObject(name, v)
		errs = append(errs, err)
	}
	errs = append(errs,
		run.Log(row{"predictions": table, "images": []picture.Image{layered, layered}}),
		run.Log(row{"deep": row{"curve": media.LinePlot(points, "x", "y", media.ChartOptions{Split: true})}}),
		run.Summary().Set("best", layered))
	l, err := run.LogArtifact(ctx, a, runapi.ArtifactOptions{})
	if err == nil {
		_, err = l.Wait(ctx)
	}
	return errors.Join(append(errs, err, run.Finish(0))...)
}

// TestOfficialClientReadsOurMedia: values, files, tables and objects of artifacts
// come back through the official client's public API as what was logged.
func TestOfficialClientReadsOurMedia(t *testing.T) {
	p := prove(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, code := status(t, t.TempDir(), append(p.env("mediaobjects"), programVariable+"=mediaobjects"), self); code != 0 {
		t.Fatalf("our program: exit status %d\n%s", code, out)
	}
	script, err := filepath.Abs("read_media.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := status(t, t.TempDir(), p.env("reader"), venv(t, "python"), script)
	if code != 0 {
		t.Fatalf("exit status %d\n%s", code, out)
	}
	got := decode(t, lineWith(t, out, `{"named"`)).(map[string]any)
	pixels := `[[[0,1,2],[3,4,5],[6,7,8],[9,10,11]],[[12,13,14],[15,16,17],[18,19,20],[21,22,23]],[[24,25,26],[27,28,29],[30,31,32],[33,34,35]],[[36,37,38],[39,40,41],[42,43,44],[45,46,47]]]`
	plainImage := `{"image":` + pixels + `,"caption":null,"masks":{},"boxes":{},"classes":null}`
	layered := `{"image":` + pixels + `,"caption":"layered","masks":{"truth":[[0,1,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,1]]},` +
		`"boxes":{"found":[{"class_id":1,"position":{"minX":0,"maxX":0.5,"minY":0,"maxY":0.25},"scores":{"p":0.5}}]},"classes":[[0,"no"],[1,"yes"]]}`
	table := `{"columns":["n","text","when","vector","map","img","page"],"rows":[` +
		`[1,"é","2024-01-02T03:04:05+00:00",[0.5,1],{"a":1},` + plainImage + `,{"Html":3,"caption":null}],` +
		`[2.5,null,null,[1,2],null,` + layered + `,null]],` +
		`"types":{"n":"None or Number","text":"None or String","when":"None or Timestamp","vector":"None or Number[]","map":"None or {'a': Number}","page":"Html-file or None"}}`
	want(t, "the logged table", got["logged"], table)
	want(t, "the table in an artifact", got["added"], table)
	want(t, "the image in an artifact", got["pic"], layered)
	want(t, "the rest", []any{got["page"], got["cloud"], got["chart"], got["named"], got["summary"], got["type"]},
		`[{"Html":3,"caption":null},{"Object3D":15,"caption":null},["deep.curve"],4,"image-file","run_table"]`)
	if !strings.Contains(out, `"deep.curve"`) {
		t.Errorf("no chart in %s", out)
	}
}

// TestWeReadOfficialObjects: what the official client added to an artifact, read
// by media.Open from where the artifact was downloaded to, and added again.
func TestWeReadOfficialObjects(t *testing.T) {
	p := prove(t)
	script, err := filepath.Abs("write_objects.py")
	if err != nil {
		t.Fatal(err)
	}
	run(t, p.env("writer"), venv(t, "python"), script)
	dir := t.TempDir()
	run(t, p.env("reader"), agent(t), "artifact", "get", "proof/objects:latest", dir)
	open := func(name string) media.Value {
		t.Helper()
		v, err := media.Open(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tab, mixed := open("tab").(*media.Table), open("mixed").(*media.Table)
	if got := fmt.Sprint(tab.Columns(), tab.Row(0)[:2], tab.Row(0)[3:], tab.Row(1)[:2]); got != "[n when img vector any] [1 2024-01-02 03:04:05 +0000 UTC] [[0.5 1] map[a:1]] [2.5 <nil>]" {
		t.Errorf("table: %s", got)
	}
	if got := fmt.Sprint(mixed.MixedTypes, mixed.Row(0), mixed.Row(1)); got != "true [1] [a]" {
		t.Errorf("mixed table: %s", got)
	}
	path, err := open("page").(*media.Stored).Path()
	if text, err2 := os.ReadFile(path); err != nil || err2 != nil || string(text) != "<i>" {
		t.Errorf("page: %q %v %v", text, err, err2)
	}
	for _, v := range []any{open("pic"), tab.Row(1)[2]} {
		m, err := picture.Of(v.(*media.Stored))
		if err != nil {
			t.Fatal(err)
		}
		b, mask := m.Boxes["found"], m.Masks["truth"]
		if m.Caption != "layered" || len(b.List) != 1 || b.List[0].Middle == nil || !b.List[0].Pixels || b.List[0].Scores["p"] != 0.5 || mask.Path == "" || fmt.Sprint(mask.Names, b.Names) != "map[0:no 1:yes] map[0:no 1:yes]" {
			t.Errorf("image: %+v", m)
		}
		again, err := artifact.New("again", "dataset", artifact.Options{Staging: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.AddObject("pic", m); err != nil {
			t.Error(err)
		}
		if _, err := again.AddObject("tab", tab); err != nil {
			t.Error(err)
		}
	}
}

// TestMediaInsideExec: media of a program inside exec go out with exec's run.
func TestMediaInsideExec(t *testing.T) {
	p := prove(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run(t, append(p.env("media"), programVariable+"=media"), agent(t), "exec", "--", self)
	checkMedia(t, p, "")
	if n := len(p.stored("media").Artifacts); n != 2 {
		t.Errorf("%d artifacts, want 2 tables", n)
	}
}
