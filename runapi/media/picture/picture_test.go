package picture_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/media"
	"github.com/wandb-agent/wandb-agent/runapi/media/picture"
)

var _ interface {
	media.Lister
	media.Celler
} = picture.Image{}

// logged is the JSON text of a value in a row, and the run's files.
func logged(t *testing.T, v any) (row map[string]any, config any, dir string) {
	t.Helper()
	run, err := runapi.Init(context.Background(), runapi.Settings{Dir: t.TempDir(), Mode: runapi.ModeOffline, DisableStats: true, DisableGit: true, Environ: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Log(map[string]any{"key": v}); err != nil {
		t.Fatal(err)
	}
	config, _ = run.Config().Get("_wandb")
	if err := run.Finish(0); err != nil {
		t.Fatal(err)
	}
	d, err := runlog.OpenDir(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	stored, err := runlog.Load(d)
	if err != nil {
		t.Fatal(err)
	}
	row, _ = stored.History[0].Values["key"].(map[string]any)
	return row, config, run.FilesDir()
}

func read(t *testing.T, dir string, object any) string {
	t.Helper()
	m, _ := object.(map[string]any)
	text, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(m["path"])))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func grey(w, h int) image.Image { return image.NewGray(image.Rect(0, 0, w, h)) }

// TestImage: what stands for an image with layers in a row, their files, and
// the names of classes in the config. The wanted texts are the official client's.
func TestImage(t *testing.T) {
	img, err := picture.Pixels(2, 1, 3, []uint8{1, 2, 3, 4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	row, config, dir := logged(t, picture.Image{
		From: img, Caption: "one", Grouping: 3,
		Masks: map[string]picture.Mask{"truth": {Classes: []uint8{7, 0}, Names: map[int]string{0: "no", 7: "yes"}}, "bare": {Classes: []uint8{1, 1}}},
		Boxes: map[string]picture.Boxes{
			"p": {List: []picture.Box{{MinX: 0.1, MaxX: 0.2, MinY: 0.3, MaxY: 0.4, Class: 1, Scores: map[string]float64{"acc": 0.5}}}, Names: map[int]string{1: "cat"}},
			"q": {List: []picture.Box{{Middle: &[2]float64{1, 2}, Width: 3, Height: 4, Pixels: true, Class: 2, Caption: "c"}}},
		},
	})
	if row["_type"] != "image-file" || row["caption"] != "one" || row["format"] != "png" || fmt.Sprint(row["width"], row["height"], row["grouping"]) != "2 1 3" {
		t.Errorf("row: %v", row)
	}
	back, err := png.Decode(strings.NewReader(read(t, dir, row)))
	if err != nil || back.Bounds() != image.Rect(0, 0, 2, 1) || color.NRGBAModel.Convert(back.At(1, 0)) != (color.NRGBA{4, 5, 6, 255}) {
		t.Errorf("file: %v %v", back, err)
	}
	masks, boxes := row["masks"].(map[string]any), row["boxes"].(map[string]any)
	mask, err := png.Decode(strings.NewReader(read(t, dir, masks["truth"])))
	if err != nil || mask.At(0, 0) != (color.Gray{7}) || !strings.HasPrefix(fmt.Sprint(masks["truth"].(map[string]any)["path"]), "media/images/mask/key_0_") {
		t.Errorf("mask: %v %v", masks, err)
	}
	if got, want := read(t, dir, boxes["p"]), `{"box_data":[{"position":{"minX":0.1,"maxX":0.2,"minY":0.3,"maxY":0.4},"class_id":1,"scores":{"acc":0.5}}],"class_labels":{"1":"cat"}}`; got != want {
		t.Errorf("boxes: got %s, want %s", got, want)
	}
	if got, want := read(t, dir, boxes["q"]), `{"box_data":[{"position":{"middle":[1.0,2.0],"width":3.0,"height":4.0},"domain":"pixel","class_id":2,"box_caption":"c"}]}`; got != want {
		t.Errorf("boxes: got %s, want %s", got, want)
	}
	want := "bounding_box/class_labels:map[key_wandb_delimeter_p:map[key:key_wandb_delimeter_p type:bounding_box/class_labels value:map[1:cat]] " +
		"key_wandb_delimeter_q:map[key:key_wandb_delimeter_q type:bounding_box/class_labels value:map[2:class_2]]]"
	if got := fmt.Sprint(config); !strings.Contains(got, want) || !strings.Contains(got, "key_wandb_delimeter_bare type:mask/class_labels value:map[1:class_1]") {
		t.Errorf("config: %s, want %s", got, want)
	}
}

func TestImageFiles(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, grey(3, 2)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.PNG")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	row, _, dir := logged(t, picture.Image{Path: path})
	if row["format"] != "PNG" || fmt.Sprint(row["width"], row["height"]) != "3 2" || read(t, dir, row) != b.String() || !strings.HasSuffix(fmt.Sprint(row["path"]), ".PNG") {
		t.Errorf("got %v", row)
	}
	row, _, dir = logged(t, &picture.Image{From: grey(3, 2), Format: "jpg"})
	if row["format"] != "jpg" || !strings.HasPrefix(read(t, dir, row), "\xff\xd8") {
		t.Errorf("got %v", row)
	}
}

func TestListOfImages(t *testing.T) {
	mask := map[string]picture.Mask{"m": {Classes: make([]uint8, 4)}}
	row, _, dir := logged(t, []picture.Image{{From: grey(2, 2), Caption: "a"}, {From: grey(3, 2)}, {From: grey(2, 2), Masks: mask}})
	names, _ := row["filenames"].([]any)
	if row["_type"] != "images/separated" || row["format"] != "png" || fmt.Sprint(row["width"], row["height"], row["count"]) != "2 2 3" || len(names) != 3 {
		t.Errorf("got %v", row)
	}
	for _, name := range names {
		read(t, dir, map[string]any{"path": name})
	}
	if got := fmt.Sprint(row["captions"]); got != "[a <nil> <nil>]" || row["all_boxes"] != nil {
		t.Errorf("captions %s, boxes %v", got, row["all_boxes"])
	}
	masks, _ := row["all_masks"].([]any)
	if len(masks) != 3 || masks[0] != nil || masks[2].(map[string]any)["m"] == nil {
		t.Errorf("masks: %v", masks)
	}
}

// TestImageInATable: the types of a column and the entries of an artifact are
// those of the official client.
func TestImageInATable(t *testing.T) {
	tab := media.NewTable("img")
	boxes := map[string]picture.Boxes{"p": {List: []picture.Box{{MaxX: 1, MaxY: 1, Class: 1, Scores: map[string]float64{"acc": 0.5}}}, Names: map[int]string{1: "cat"}}}
	masks := map[string]picture.Mask{"truth": {Classes: []uint8{0, 1, 0, 0}, Names: map[int]string{0: "no", 1: "yes"}}}
	for _, m := range []picture.Image{{From: grey(2, 2)}, {From: grey(2, 2), Boxes: boxes, Masks: masks}} {
		if err := tab.Add(m); err != nil {
			t.Fatal(err)
		}
	}
	a, err := artifact.New("n", "t", artifact.Options{Staging: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddObject("tab", tab); err != nil {
		t.Fatal(err)
	}
	m, err := a.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range m.Entries {
		names = append(names, e.Path)
	}
	if len(names) != 4 || !strings.HasPrefix(names[0], "media/classes/") || !strings.HasPrefix(names[1], "media/images/") || !strings.HasPrefix(names[2], "media/images/mask/") {
		t.Errorf("entries: %q", names)
	}
	text, err := os.ReadFile(m.Find("tab.table.json").LocalPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"img": {"params": {"allowed_types": [{"params": {"box_class_maps": {"params": {"is_set": false, "val": {"p": {"1": "cat"}}}, "wb_type": "const"}, ` +
			`"box_layers": {"params": {"is_set": false, "val": {"p": [1]}}, "wb_type": "const"}, "box_score_keys": {"params": {"is_set": true, "val": ["acc"]}, "wb_type": "const"}, ` +
			`"class_map": {"params": {"is_set": false, "val": {"0": "no", "1": "yes"}}, "wb_type": "const"}, "mask_class_maps": {"params": {"is_set": false, "val": {"truth": {"0": "no", "1": "yes"}}}, "wb_type": "const"}, ` +
			`"mask_layers": {"params": {"is_set": false, "val": {"truth": [0, 1]}}, "wb_type": "const"}}, "wb_type": "image-file"}, {"wb_type": "none"}]}, "wb_type": "union"}`,
		`"boxes": {"p": [{"class_id": 1, "position": {"maxX": 1.0, "maxY": 1.0, "minX": 0.0, "minY": 0.0}, "scores": {"acc": 0.5}}]}, "classes": {"digest": `,
		`"masks": {"truth": {"_type": "mask", "path": "media/images/mask/`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("got %s, want %s", text, want)
		}
	}
}

type nowhere struct{}

func (nowhere) Put(f media.File) (media.Object, error) {
	var b bytes.Buffer
	return media.Object{}, f.Copy(&b)
}

func TestImagesRefuse(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"x.tiff": "II*\x00", "cut.png": "\x89PNG\r\n\x1a\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f := func(m picture.Image, want string) {
		t.Helper()
		_, err := m.StoreMedia(nowhere{})
		refused(err, want)
	}
	mask := func(m picture.Mask) map[string]picture.Mask { return map[string]picture.Mask{"m": m} }
	box := func(b picture.Box) map[string]picture.Boxes {
		return map[string]picture.Boxes{"b": {List: []picture.Box{b}}}
	}
	f(picture.Image{}, "want one of From and Path")
	f(picture.Image{From: grey(1, 1), Path: "x"}, "want one of From and Path")
	f(picture.Image{From: grey(0, 1)}, "image of 0 by 1 pixels: want 1 to 65500")
	f(picture.Image{From: image.NewUniform(color.Black)}, "pixels: want 1 to 65500")
	f(picture.Image{From: grey(1, 1), Format: "bmp"}, `format "bmp": want png, jpg or jpeg`)
	f(picture.Image{Path: dir + "/none.png"}, "no such file")
	f(picture.Image{Path: dir}, "no regular file")
	f(picture.Image{Path: dir + "/x.tiff"}, "want PNG, JPEG or GIF")
	f(picture.Image{Path: dir + "/cut.png"}, "unexpected EOF")
	f(picture.Image{From: grey(2, 2), Masks: mask(picture.Mask{Classes: make([]uint8, 3)})}, `mask "m" of 3 pixels: the image has 2 by 2`)
	f(picture.Image{From: grey(2, 2), Masks: mask(picture.Mask{})}, `mask "m": want one of Classes and Path`)
	f(picture.Image{From: grey(2, 2), Masks: mask(picture.Mask{Path: dir + "/none.png"})}, "no such file")
	f(picture.Image{From: grey(2, 2), Boxes: box(picture.Box{MinX: math.NaN()})}, `box 0 of "b": its place is [NaN 0 0 0]: want finite numbers`)
	f(picture.Image{From: grey(2, 2), Boxes: box(picture.Box{MinX: 1})}, "want the smaller corner first")
	f(picture.Image{From: grey(2, 2), Boxes: box(picture.Box{Middle: &[2]float64{}, Width: -1})}, "its place is [0 0 -1 0]")
	_, err := picture.Image{}.StoreMediaList(nil, make([]media.Value, 109))
	refused(err, "list of 109 images: want at most 108")
	_, err = picture.Image{From: grey(1, 1)}.StoreMedia(nil)
	refused(err, "no store")

	_, err = picture.Pixels(0, 1, 1, nil)
	refused(err, "image of 0 by 1 pixels")
	_, err = picture.Pixels(1, 1, 2, nil)
	refused(err, "image of 2 channels")
	_, err = picture.Pixels(2, 2, 3, make([]uint8, 11))
	refused(err, "11 values: want 12")
	_, err = picture.Floats(1, 1, 1, []float32{1}, 1, 1)
	refused(err, "want a range")
	_, err = picture.Floats(1, 1, 1, []float64{math.NaN()}, 0, 1)
	refused(err, "number 0 is NaN")
}

func TestFloats(t *testing.T) {
	m, err := picture.Floats(4, 1, 1, []float32{-2, -1, 0, 3}, -1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.(*image.Gray).Pix; fmt.Sprint(got) != "[0 0 128 255]" {
		t.Errorf("got %v", got)
	}
	m, err = picture.Pixels(1, 1, 4, []uint8{1, 2, 3, 4})
	if err != nil || m.At(0, 0) != (color.NRGBA{1, 2, 3, 4}) {
		t.Errorf("got %v, %v", m, err)
	}
}

func ExampleImage() {
	img, err := picture.Floats(2, 2, 1, []float32{0, 0.5, 0.5, 1}, 0, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	example := picture.Image{From: img, Caption: "a checkerboard, nearly"}
	// run.Log(map[string]any{"example": example})
	fmt.Println(example.From.Bounds())
	// Output: (0,0)-(2,2)
}
