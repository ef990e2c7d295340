// Package video holds moving pictures: files that browsers play, and frames,
// which are written as GIF with the standard library.
//
//	run.Log(map[string]any{"rollout": video.Video{Frames: frames, FPS: 10}})
//	run.Log(map[string]any{"rollout": video.Video{Path: "rollout.mp4"}})
package video

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// MaxFPS is how many frames in a second a GIF can have: viewers slow faster
// ones down.
const MaxFPS = 50

// extensions are those of the files that W&B shows.
var extensions = []string{".gif", ".mp4", ".webm", ".ogg"}

// Video is a moving picture: a file, or frames of one size.
type Video struct {
	Path    string        // .gif, .mp4, .webm or .ogg, stored as it is
	Frames  []image.Image // are encoded as GIF, with at most 256 colours each
	FPS     int           // of Frames, up to MaxFPS; 4 when 0
	Caption string
}

// StoreMedia stores the video.
func (v Video) StoreMedia(dst media.Store) (media.Object, error) {
	if dst == nil {
		return nil, errors.New("video: there is no store")
	}
	f := media.File{Dir: "videos", Path: v.Path}
	switch {
	case (v.Path == "") == (len(v.Frames) == 0):
		return nil, errors.New("video: want one of Path and Frames")
	case v.Path != "" && !slices.Contains(extensions, strings.ToLower(filepath.Ext(v.Path))):
		return nil, fmt.Errorf("video %s: want one of the extensions %s", v.Path, strings.Join(extensions, " "))
	case v.Path == "":
		if err := v.check(); err != nil {
			return nil, err
		}
		f = media.File{Dir: "videos", Ext: ".gif", Write: v.writeGIF}
	}
	o, err := dst.Put(f)
	if err != nil {
		return nil, err
	}
	o["_type"] = "video-file"
	if v.Caption != "" {
		o["caption"] = v.Caption
	}
	if v.Path == "" {
		size := v.Frames[0].Bounds().Size()
		o["width"], o["height"] = size.X, size.Y
	}
	return o, nil
}

func (v Video) check() error {
	if v.FPS < 0 || v.FPS > MaxFPS {
		return fmt.Errorf("video of %d frames in a second: want 1 to %d", v.FPS, MaxFPS)
	}
	for i, frame := range v.Frames {
		if frame == nil {
			return fmt.Errorf("video: frame %d is nil", i)
		}
		size, first := frame.Bounds().Size(), v.Frames[0].Bounds().Size()
		if size != first || size.X < 1 || size.Y < 1 || size.X > 1<<16-1 || size.Y > 1<<16-1 {
			return fmt.Errorf("video: frame %d of %d by %d pixels, the first one has %d by %d: want one size, 1 to 65535 each way", i, size.X, size.Y, first.X, first.Y)
		}
	}
	return nil
}

func (v Video) writeGIF(w io.Writer) error {
	fps := v.FPS
	if fps == 0 {
		fps = 4
	}
	g := &gif.GIF{}
	for i, frame := range v.Frames {
		g.Image = append(g.Image, paletted(frame))
		g.Delay = append(g.Delay, hundredths(i+1, fps)-hundredths(i, fps))
	}
	return gif.EncodeAll(w, g)
}

// hundredths is when frame i begins, so that what rounding costs one frame the
// next one gets.
func hundredths(i, fps int) int { return (200*i + fps) / (2 * fps) }

// paletted is a frame in 256 colours: its own, when it has no more.
func paletted(frame image.Image) *image.Paletted {
	if p, ok := frame.(*image.Paletted); ok && p.Rect.Min == (image.Point{}) {
		return p
	}
	r := image.Rectangle{Max: frame.Bounds().Size()}
	if own := colours(frame); own != nil {
		p := image.NewPaletted(r, own)
		draw.Draw(p, r, frame, frame.Bounds().Min, draw.Src)
		return p
	}
	p := image.NewPaletted(r, palette.Plan9)
	draw.FloydSteinberg.Draw(p, r, frame, frame.Bounds().Min)
	return p
}

// colours lists the colours of a frame; nil when there are more than 256.
func colours(frame image.Image) color.Palette {
	seen := map[color.NRGBA]bool{}
	var list color.Palette
	b := frame.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(frame.At(x, y)).(color.NRGBA)
			if seen[c] {
				continue
			}
			if len(list) == 256 {
				return nil
			}
			seen[c] = true
			list = append(list, c)
		}
	}
	return list
}

// StoreMediaList stores several videos under one key.
func (v Video) StoreMediaList(dst media.RunStore, list []media.Value) (media.Object, error) {
	all := make([]any, len(list))
	for i, v := range list {
		o, err := v.StoreMedia(dst)
		if err != nil {
			return nil, fmt.Errorf("video %d: %w", i, err)
		}
		all[i] = o
	}
	o := media.Object{"_type": "videos", "count": len(all), "videos": all, "captions": false}
	if texts := media.Members(all, "caption"); texts[0] != nil {
		o["captions"] = texts
	}
	return o, nil
}

// CellType says what a video is in a table.
func (v Video) CellType() (string, media.Object) { return "video-file", nil }
