package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"os"

	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/media"
	"github.com/wandb-agent/wandb-agent/runapi/media/picture"
	"github.com/wandb-agent/wandb-agent/runapi/media/video"
)

// Values are in package media, and are logged under keys like numbers. Any slice
// of numbers makes a histogram.
func histogram(ctx context.Context) error {
	gradients := make([]float64, 10_000)
	for i := range gradients {
		gradients[i] = math.Sin(float64(i))
	}
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	h, err := media.NewHistogram(gradients, media.DefaultBins)
	return errors.Join(err, run.Log(map[string]any{"gradients": h}), run.Finish(0))
}

// Anything that is an image.Image, and bytes or numbers by picture.Pixels and
// picture.Floats. Codecs are in a package of their own.
func pictures(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	var examples []picture.Image
	for i := range 3 {
		pixels := make([]uint8, 100*100*3)
		for j := range pixels {
			pixels[j] = uint8(j * (i + 1))
		}
		img, err := picture.Pixels(100, 100, 3, pixels)
		if err != nil {
			return err
		}
		examples = append(examples, picture.Image{From: img, Caption: fmt.Sprintf("field %d", i)})
	}
	return errors.Join(run.Log(map[string]any{"examples": examples}), run.Finish(0))
}

// Files are stored as they are: GIF, MP4, WebM, Ogg.
func videoFile(ctx context.Context) error {
	gif, err := hex.DecodeString("47494638396101000100800000000000ffffff21f90400000000002c00000000010001000002024401003b")
	if err := errors.Join(err, os.WriteFile("sample.gif", gif, 0o600)); err != nil {
		return err
	}

	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(run.Log(map[string]any{"video": video.Video{Path: "sample.gif"}}), run.Finish(0))
}

// Frames are images, and become a GIF.
func videoArray(ctx context.Context) error {
	var frames []image.Image
	for i := range 10 {
		frame := image.NewRGBA(image.Rect(0, 0, 20, 20))
		draw.Draw(frame, frame.Bounds(), image.NewUniform(color.Black), image.Point{}, draw.Src)
		draw.Draw(frame, image.Rect(2*i, 0, 2*i+2, 20), image.NewUniform(color.White), image.Point{}, draw.Src)
		frames = append(frames, frame)
	}

	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(run.Log(map[string]any{"video": video.Video{Frames: frames, FPS: 4}}), run.Finish(0))
}

// A figure is the JSON of plotly, from any library that writes it. VegaLite and
// Plot (SVG, HTML) are others.
func chart(ctx context.Context) error {
	var x, y []float64
	for i := range 50 {
		v := float64(i) * 10 / 49
		x, y = append(x, v), append(y, v*v)
	}
	figure := map[string]any{"data": []any{map[string]any{"type": "scatter", "mode": "lines", "x": x, "y": y}}, "layout": map[string]any{}}

	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(run.Log(map[string]any{"chart": media.Plotly{Figure: figure}}), run.Finish(0))
}

// Its neighbours are ROCCurve, ConfusionMatrix, LinePlot and others.
func prCurve(ctx context.Context) error {
	truth := []int{0, 1, 1, 0, 1, 0, 1, 0}
	probs := [][]float64{{0.9, 0.1}, {0.2, 0.8}, {0.4, 0.6}, {0.6, 0.4}, {0.1, 0.9}, {0.3, 0.7}, {0.45, 0.55}, {0.8, 0.2}}

	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	curve, err := media.PRCurve(truth, probs, []string{"background", "pedestrian"},
		media.ChartOptions{Title: "Precision-Recall Curve"})
	return errors.Join(err, run.Log(map[string]any{"pr": curve}), run.Finish(0))
}

// Several values of a kind under one key are a list.
func object3D(ctx context.Context) error {
	var samples []media.Object3D
	for _, name := range []string{"sample.obj", "sample.gltf", "sample.glb"} {
		if err := os.WriteFile(name, []byte("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"), 0o600); err != nil {
			return err
		}
		samples = append(samples, media.Object3D{Path: name})
	}

	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(run.Log(map[string]any{"generated_samples": samples}), run.Finish(0))
}

// Rows of cells, or TableOf a slice of structs.
func table(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	table := media.NewTable("id", "label", "score", "right")
	return errors.Join(
		table.Add(1, "pedestrian", 0.9, true),
		table.Add(2, "bicycle", 0.4, nil),
		run.Log(map[string]any{"predictions": table}),
		run.Finish(0))
}

// Spec is the name of any chart that the server knows.
func plotTable(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	table := media.NewTable("epoch", "accuracy")
	err = errors.Join(table.Add(0, 0.5), table.Add(1, 0.7), table.Add(2, 0.8))
	curve := media.Chart{
		Spec:    "wandb/line/v0",
		Table:   table,
		Fields:  map[string]string{"x": "epoch", "y": "accuracy"},
		Strings: map[string]string{"title": "Accuracy"},
	}
	return errors.Join(err, run.Log(map[string]any{"curve": curve}), run.Finish(0))
}

// Statistics are in the summary, the numbers in a file of the run.
func tensor(ctx context.Context) error {
	data := make([]float64, 101)
	for i := range data {
		data[i] = -1 + float64(i)/50
	}
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	weights, err := media.NewTensor(data)
	if err != nil {
		return err
	}
	weights.Save = true
	return errors.Join(run.Summary().Set("weights", weights), run.Log(map[string]any{"x": 1}), run.Finish(0))
}
