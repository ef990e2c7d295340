// Package picture holds images: of the program's own making, of files, with
// masks and boxes over them.
//
//	run.Log(map[string]any{"example": picture.Image{From: img, Caption: "a cat"}})
//	run.Log(map[string]any{"batch": []picture.Image{{From: a}, {From: b}}})
//
//	img, err := picture.Pixels(w, h, 3, rgb)            bytes
//	img, err := picture.Floats(w, h, 1, values, 0, 1)   numbers of a range
//
// It links the codecs for PNG, JPEG and GIF, which is why it is not part of
// package media.
package picture

import (
	"errors"
	"fmt"
	"image"
	_ "image/gif" // sizes of files
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// Limits of images.
const (
	MaxSide = 65_500 // pixels; W&B takes no longer ones
	MaxList = 108    // images under one key; W&B shows no more
)

// Image is an image that is logged: From or Path says which.
type Image struct {
	From   image.Image // is encoded; also what Pixels and Floats return
	Format string      // of From: png (when empty), jpg or jpeg
	Path   string      // a file, stored as it is: PNG, JPEG, GIF, or a format registered with package image

	Caption  string
	Grouping int              // images with the same number are shown together; 0: none
	Masks    map[string]Mask  // by name, such as prediction
	Boxes    map[string]Boxes // by name
}

// StoreMedia stores the image with its masks and boxes.
func (m Image) StoreMedia(dst media.Store) (media.Object, error) {
	if dst == nil {
		return nil, errors.New("image: there is no store")
	}
	size, format, f, err := m.file()
	if err != nil {
		return nil, err
	}
	if err := m.check(size); err != nil {
		return nil, err
	}
	o, err := dst.Put(f)
	if err != nil {
		return nil, err
	}
	o["_type"], o["format"], o["width"], o["height"] = "image-file", format, size.X, size.Y
	if m.Caption != "" {
		o["caption"] = m.Caption
	}
	if m.Grouping != 0 {
		o["grouping"] = m.Grouping
	}
	if err := m.layers(dst, o, size); err != nil {
		return nil, err
	}
	return o, nil
}

// file is what is to be stored of the image itself.
func (m Image) file() (size image.Point, format string, f media.File, err error) {
	switch {
	case (m.From == nil) == (m.Path == ""):
		return size, "", f, errors.New("image: want one of From and Path")
	case m.Path != "":
		if size, err = sizeOf(m.Path); err != nil {
			return size, "", f, err
		}
		format = strings.TrimPrefix(filepath.Ext(m.Path), ".")
		f = media.File{Dir: "images", Path: m.Path}
	default:
		size = m.From.Bounds().Size()
		if format = m.Format; format == "" {
			format = "png"
		}
		f = media.File{Dir: "images", Ext: "." + format, Write: func(w io.Writer) error { return encode(w, m.From, format) }}
		if format != "png" && format != "jpg" && format != "jpeg" {
			return size, "", f, fmt.Errorf("image of format %q: want png, jpg or jpeg", format)
		}
	}
	if size.X < 1 || size.Y < 1 || size.X > MaxSide || size.Y > MaxSide {
		err = fmt.Errorf("image of %d by %d pixels: want 1 to %d each way", size.X, size.Y, MaxSide)
	}
	return size, format, f, err
}

// sizeOf reads the size of an image file.
func sizeOf(path string) (image.Point, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO must not hold the caller up
	if err != nil {
		return image.Point{}, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return image.Point{}, errors.Join(fmt.Errorf("%s is no regular file", path), err)
	}
	c, _, err := image.DecodeConfig(f)
	if errors.Is(err, image.ErrFormat) {
		return image.Point{}, fmt.Errorf("image %s: %w: want PNG, JPEG or GIF, or import a package that registers its format", path, err)
	}
	if err != nil {
		return image.Point{}, fmt.Errorf("image %s: %w", path, err)
	}
	return image.Pt(c.Width, c.Height), nil
}

func encode(w io.Writer, m image.Image, format string) error {
	if format == "png" {
		return png.Encode(w, m)
	}
	return jpeg.Encode(w, m, nil)
}

// StoreMediaList stores several images under one key. Their files may differ in
// size; the first one's is given for all, as by the official client.
func (m Image) StoreMediaList(dst media.RunStore, list []media.Value) (media.Object, error) {
	if len(list) > MaxList {
		return nil, fmt.Errorf("list of %d images: want at most %d", len(list), MaxList)
	}
	all := make([]any, len(list))
	for i, v := range list {
		o, err := v.StoreMedia(dst)
		if err != nil {
			return nil, fmt.Errorf("image %d: %w", i, err)
		}
		all[i] = o
	}
	first := all[0].(media.Object)
	o := media.Object{
		"_type": "images/separated", "width": first["width"], "height": first["height"], "format": first["format"],
		"count": len(all), "filenames": media.Members(all, "path"),
	}
	if first["caption"] != nil {
		o["captions"] = media.Members(all, "caption")
	}
	for member, name := range map[string]string{"masks": "all_masks", "boxes": "all_boxes"} {
		if layers := media.Members(all, member); hasAny(layers) {
			o[name] = layers
		}
	}
	return o, nil
}

func hasAny(list []any) bool {
	for _, v := range list {
		if v != nil {
			return true
		}
	}
	return false
}
