package wandb_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/media"
	"github.com/wandb-agent/wandb-agent/runapi/media/picture"
	"github.com/wandb-agent/wandb-agent/runapi/media/video"
)

const tinyGIF = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// mediaInputs makes the files that official/media.py makes.
func mediaInputs(dir string) error {
	sound := append([]byte("RIFF\x64\x06\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data"), 0x40, 0x06, 0, 0)
	for i := range 800 {
		sound = binary.LittleEndian.AppendUint16(sound, uint16((i%80)*100))
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "tone.wav"), sound, 0o600),
		os.WriteFile(filepath.Join(dir, "clip.gif"), []byte(tinyGIF), 0o600),
		os.WriteFile(filepath.Join(dir, "mesh.obj"), []byte("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"), 0o600))
}

// examplePictures are the two images of official/media.py.
func examplePictures() (one, two picture.Image, err error) {
	pixels, inverse := make([]uint8, 48), make([]uint8, 48)
	for i := range pixels {
		pixels[i], inverse[i] = uint8(i), uint8(255-i)
	}
	a, err := picture.Pixels(4, 4, 3, pixels)
	b, err2 := picture.Pixels(4, 4, 3, inverse)
	return picture.Image{From: a}, picture.Image{From: b}, errors.Join(err, err2)
}

// pixelNames calls PNG files by what is in them: encoders differ.
func pixelNames(p *proof) (names []string) {
	for _, f := range p.stored("media").Files {
		if filepath.Ext(f.Name) != ".png" {
			continue
		}
		content := p.file("media", f.Name)
		img, err := png.Decode(strings.NewReader(content))
		if err != nil {
			p.t.Fatalf("%s: %v", f.Name, err)
		}
		plain := image.NewNRGBA(img.Bounds())
		draw.Draw(plain, plain.Rect, img, plain.Rect.Min, draw.Src)
		pixels := fmt.Sprintf("pixels-%x", sha256.Sum256(plain.Pix))[:20]
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
		names = append(names, sum, pixels, sum[:20], pixels, f.MD5, pixels)
	}
	return names
}

func ourMedia(ctx context.Context, _ []string) error {
	dir, err := os.MkdirTemp("", "media")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	one, two, err := examplePictures()
	if err = errors.Join(err, mediaInputs(dir)); err != nil {
		return err
	}
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	layered := one
	layered.Caption = "one"
	layered.Boxes = map[string]picture.Boxes{"predictions": {
		List:  []picture.Box{{MinX: 0.1, MaxX: 0.2, MinY: 0.3, MaxY: 0.4, Class: 1, Scores: map[string]float64{"acc": 0.5}}},
		Names: map[int]string{1: "cat"},
	}}
	eye := make([]uint8, 16)
	for i := range 4 {
		eye[5*i] = 1
	}
	layered.Masks = map[string]picture.Mask{"truth": {Classes: eye, Names: map[int]string{0: "no", 1: "yes"}}}
	array := make([]float64, 100)
	for i := range array {
		array[i] = float64(i)
	}
	histogram, err := media.NewHistogram(array, 32)
	if err != nil {
		return err
	}
	table, points := media.NewTable("n", "text", "flag"), media.NewTable("x", "y")
	errs := []error{table.Add(1, "a", true), table.Add(2.5, "b", nil), points.Add(0, 1), points.Add(1, 2)}
	for _, r := range []row{
		{"image": layered, "images": []picture.Image{one, two}},
		{"audio": media.Audio{Path: filepath.Join(dir, "tone.wav"), Caption: "tone"}, "video": video.Video{Path: filepath.Join(dir, "clip.gif"), Caption: "clip"}},
		{"html": media.HTML{Text: "<b>bold</b>"}, "mesh": media.Object3D{Path: filepath.Join(dir, "mesh.obj")}},
		{"cloud": media.PointCloud{Points: [][3]float64{{0, 0, 0}, {1, 2, 3}}}},
		{"plot": media.Plotly{Figure: json.RawMessage(`{"data":[{"x":[1,2],"y":[3,4],"type":"scatter"}],"layout":{"template":{"data":{"scatter":[{"type":"scatter"}]}}}}`)}},
		{"histogram": &media.Histogram{Counts: []float64{1, 2, 3}, Edges: []float64{0, 1, 2, 3}}, "array": histogram},
		{"table": table},
		{"chart": media.LinePlot(points, "x", "y", media.ChartOptions{Title: "t"})},
	} {
		errs = append(errs, run.Log(r))
	}
	return errors.Join(append(errs, run.Finish(0))...)
}
