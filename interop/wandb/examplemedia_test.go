package wandb_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"math"
	"strings"
	"testing"
)

// checkPictures compares every pixel of the three images with what both
// programs made them of, in the order of the row.
func checkPictures(t *testing.T, p *proof) {
	row, _ := p.stored("pictures").History[0]["examples"].(map[string]any)
	want(t, "captions", row["captions"], `["field 0","field 1","field 2"]`)
	names, _ := row["filenames"].([]any)
	if len(names) != 3 {
		t.Fatalf("%d images, want 3", len(names))
	}
	for i, name := range names {
		img, err := png.Decode(strings.NewReader(p.file("pictures", name.(string))))
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for at := range 100 * 100 {
			c := color.NRGBAModel.Convert(img.At(at%100, at/100)).(color.NRGBA)
			byte := func(channel int) uint8 { return uint8((3*at + channel) * (i + 1)) }
			if c != (color.NRGBA{byte(0), byte(1), byte(2), 255}) {
				wrong++
			}
		}
		if img.Bounds() != image.Rect(0, 0, 100, 100) || wrong > 0 {
			t.Errorf("image %d is %v with %d wrong pixels", i, img.Bounds(), wrong)
		}
	}
}

// checkFrames looks for the white bar that moves through ten frames.
func checkFrames(t *testing.T, p *proof) {
	g, err := gif.DecodeAll(bytes.NewReader([]byte(p.fileUnder("videoarray", "media/videos/video_0_"))))
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Image) != 10 {
		t.Fatalf("%d frames, want 10", len(g.Image))
	}
	screen := image.NewNRGBA(image.Rect(0, 0, 20, 20)) // a frame may hold only what has changed
	for i, frame := range g.Image {
		for y := frame.Rect.Min.Y; y < frame.Rect.Max.Y; y++ {
			for x := frame.Rect.Min.X; x < frame.Rect.Max.X; x++ {
				if c := color.NRGBAModel.Convert(frame.At(x, y)).(color.NRGBA); c.A > 0 {
					screen.Set(x, y, c)
				}
			}
		}
		for x := range 20 {
			white := screen.NRGBAAt(x, 10).R > 127
			if white != (x/2 == i) {
				t.Errorf("frame %d: column %d is white: %v", i, x, white)
			}
		}
		if g.Delay[i] != 25 {
			t.Errorf("frame %d lasts %d hundredths of a second, want 25", i, g.Delay[i])
		}
	}
}

// checkFigure compares the points of the parabola.
func checkFigure(t *testing.T, p *proof) {
	figure, _ := decode(t, p.fileUnder("chart", "media/plotly/chart_0_")).(map[string]any)
	line, _ := figure["data"].([]any)[0].(map[string]any)
	xs, _ := line["x"].([]any)
	ys, _ := line["y"].([]any)
	if line["type"] != "scatter" || line["mode"] != "lines" || len(xs) != 50 || len(ys) != 50 {
		t.Fatalf("%v in mode %v of %d and %d points, want a line of 50", line["type"], line["mode"], len(xs), len(ys))
	}
	for i := range xs {
		x, y := number(xs[i]), number(ys[i])
		if math.Abs(x-float64(i)*10/49) > 1e-12 || math.Abs(y-x*x) > 1e-12 {
			t.Errorf("point %d is %v, %v", i, x, y)
		}
	}
}

// number is a number that plain made.
func number(v any) float64 {
	if i, ok := v.(int64); ok {
		return float64(i)
	}
	f, _ := v.(float64)
	return f
}
