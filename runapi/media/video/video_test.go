package video

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// keep is a Store of one file.
type keep struct {
	bytes.Buffer
	file media.File
}

func (k *keep) Put(f media.File) (media.Object, error) {
	k.Reset()
	k.file = f
	return media.Object{"path": "p"}, f.Copy(&k.Buffer)
}

func (k *keep) Key() string                                         { return "" }
func (k *keep) LoggedAs() string                                    { return "" }
func (k *keep) Describe([]string, any)                              {}
func (k *keep) LogObject(string, media.Value) (media.Object, error) { return nil, nil }

// frame has a square of its own colour, or all colours.
func frame(i, w, h int, full bool) image.Image {
	m := image.NewRGBA(image.Rect(5, 5, 5+w, 5+h))
	for y := range h {
		for x := range w {
			c := color.RGBA{uint8(i * 60), 0, 0, 255}
			if full {
				c = color.RGBA{uint8(x * 4), uint8(y * 4), uint8(i), 255}
			}
			m.SetRGBA(5+x, 5+y, c)
		}
	}
	return m
}

// TestFrames: size, timing and colours of the GIF.
func TestFrames(t *testing.T) {
	var k keep
	o, err := Video{Frames: []image.Image{frame(0, 4, 3, false), frame(1, 4, 3, false), frame(2, 4, 3, false)}, FPS: 30, Caption: "c"}.StoreMedia(&k)
	if err != nil || fmt.Sprint(o) != "map[_type:video-file caption:c height:3 path:p width:4]" || k.file.Dir != "videos" || k.file.Ext != ".gif" {
		t.Fatalf("got %v, %v in %s%s", o, err, k.file.Dir, k.file.Ext)
	}
	g, err := gif.DecodeAll(&k)
	if err != nil || len(g.Image) != 3 || fmt.Sprint(g.Delay) != "[3 4 3]" || g.Config.Width != 4 || g.Config.Height != 3 {
		t.Fatalf("%v, delays %v", err, g.Delay)
	}
	if got := color.RGBAModel.Convert(g.Image[2].At(3, 2)); got != (color.RGBA{120, 0, 0, 255}) {
		t.Errorf("colour %v", got)
	}
	if _, err := (Video{Frames: []image.Image{frame(1, 64, 64, true)}}).StoreMedia(&k); err != nil {
		t.Fatal(err)
	}
	g, err = gif.DecodeAll(&k)
	if err != nil || g.Delay[0] != 25 || len(g.Image[0].Palette) != 256 {
		t.Errorf("%v, %v", g, err)
	}
}

func TestVideoFiles(t *testing.T) {
	var k keep
	for _, ext := range []string{".gif", ".MP4", ".webm", ".ogg"} {
		path := filepath.Join(t.TempDir(), "v"+ext)
		if err := os.WriteFile(path, []byte("clip"), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := Video{Path: path}.StoreMedia(&k)
		if err != nil || fmt.Sprint(o) != "map[_type:video-file path:p]" || k.String() != "clip" {
			t.Errorf("%s: got %v, %v, %q", ext, o, err, k.String())
		}
	}
	list := []media.Value{Video{Frames: []image.Image{frame(0, 1, 1, false)}, Caption: "a"}, Video{Frames: []image.Image{frame(0, 1, 1, false)}}}
	o, err := list[0].(media.Lister).StoreMediaList(&k, list)
	if err != nil || fmt.Sprint(o["_type"], o["count"], o["captions"]) != "videos2 [a <nil>]" {
		t.Errorf("got %v, %v", o, err)
	}
	if o, err = (Video{}).StoreMediaList(&k, list[1:]); err != nil || o["captions"] != false {
		t.Errorf("got %v, %v", o, err)
	}
}

func TestVideosRefuse(t *testing.T) {
	f := func(v Video, want string) {
		t.Helper()
		if _, err := v.StoreMedia(&keep{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(Video{}, "want one of Path and Frames")
	f(Video{Path: "a.gif", Frames: []image.Image{frame(0, 1, 1, false)}}, "want one of Path and Frames")
	f(Video{Path: "a.avi"}, "video a.avi: want one of the extensions .gif .mp4 .webm .ogg")
	f(Video{Path: t.TempDir() + "/none.gif"}, "no such file")
	f(Video{Frames: []image.Image{frame(0, 1, 1, false), frame(0, 2, 1, false)}}, "frame 1 of 2 by 1 pixels, the first one has 1 by 1")
	f(Video{Frames: []image.Image{frame(0, 0, 1, false)}}, "frame 0 of 0 by 1 pixels")
	f(Video{Frames: []image.Image{nil}}, "frame 0 is nil")
	f(Video{Frames: []image.Image{frame(0, 1, 1, false)}, FPS: 51}, "51 frames in a second: want 1 to 50")
	if _, err := (Video{Path: "a.gif"}).StoreMedia(nil); err == nil {
		t.Error("stored nowhere")
	}
	if name, _ := (Video{}).CellType(); name != "video-file" {
		t.Errorf("type %s", name)
	}
}

func ExampleVideo() {
	frames := []image.Image{frame(0, 8, 8, false), frame(1, 8, 8, false)}
	v := Video{Frames: frames, FPS: 10, Caption: "a square"}
	// run.Log(map[string]any{"rollout": v})
	fmt.Println(len(v.Frames), "frames,", v.FPS, "a second")
	// Output: 2 frames, 10 a second
}
