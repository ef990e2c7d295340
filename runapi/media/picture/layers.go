package picture

import (
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/wandb-agent/wandb-agent/runapi/internal/mediajson"
	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// Mask says of each pixel of an image which class it belongs to.
type Mask struct {
	Classes []uint8        // row by row from the top, one for each pixel
	Path    string         // or a PNG with them, 8 bit grey
	Names   map[int]string // of classes; nil: class_0, class_1, ... as they occur
}

// Boxes are rectangles in an image.
type Boxes struct {
	List  []Box
	Names map[int]string // of classes; nil: class_0, class_1, ... as they occur
}

// Box is a rectangle: two corners, or its middle and its size. Numbers are
// fractions of the image from 0 to 1, or pixels.
type Box struct {
	MinX, MaxX, MinY, MaxY float64

	Middle        *[2]float64 // x, y; nil: the corners count
	Width, Height float64     // with Middle

	Pixels  bool // numbers are pixels
	Class   int
	Caption string
	Scores  map[string]float64 // such as confidence
}

// check refuses masks and boxes that do not fit the image.
func (m Image) check(size image.Point) error {
	for name, mask := range m.Masks {
		if (mask.Path == "") == (mask.Classes == nil) {
			return fmt.Errorf("mask %q: want one of Classes and Path", name)
		}
		if mask.Classes != nil && len(mask.Classes) != size.X*size.Y {
			return fmt.Errorf("mask %q of %d pixels: the image has %d by %d", name, len(mask.Classes), size.X, size.Y)
		}
		if mask.Path == "" {
			continue
		}
		if got, err := sizeOf(mask.Path); err != nil || got != size {
			return errorOr(err, fmt.Errorf("mask %q of %d by %d pixels: the image has %d by %d", name, got.X, got.Y, size.X, size.Y))
		}
	}
	for name, boxes := range m.Boxes {
		for i, b := range boxes.List {
			if err := b.check(); err != nil {
				return fmt.Errorf("box %d of %q: %w", i, name, err)
			}
		}
	}
	return nil
}

func errorOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (b Box) check() error {
	numbers := []float64{b.MinX, b.MaxX, b.MinY, b.MaxY}
	if b.Middle != nil {
		numbers = []float64{b.Middle[0], b.Middle[1], b.Width, b.Height}
	}
	for _, v := range numbers {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("its place is %v: want finite numbers", numbers)
		}
	}
	if b.Middle == nil && (b.MinX > b.MaxX || b.MinY > b.MaxY) || b.Width < 0 || b.Height < 0 {
		return fmt.Errorf("its place is %v: want the smaller corner first", numbers)
	}
	return nil
}

// layers stores masks and boxes, and what their classes are called.
func (m Image) layers(dst media.Store, o media.Object, size image.Point) error {
	masks, boxes := media.Object{}, media.Object{}
	for _, name := range slices.Sorted(maps.Keys(m.Boxes)) {
		box, err := m.Boxes[name].store(dst)
		if err != nil {
			return fmt.Errorf("boxes %q: %w", name, err)
		}
		boxes[name] = box
		describe(dst, "bounding_box/class_labels", name, m.Boxes[name].names())
	}
	for _, name := range slices.Sorted(maps.Keys(m.Masks)) {
		mask, err := m.Masks[name].store(dst, size)
		if err != nil {
			return fmt.Errorf("mask %q: %w", name, err)
		}
		masks[name] = mask
		describe(dst, "mask/class_labels", name, m.Masks[name].names())
	}
	if len(boxes) > 0 {
		o["boxes"] = boxes
	}
	if len(masks) > 0 {
		o["masks"] = masks
	}
	if in, ok := dst.(media.ArtifactStore); ok && len(boxes)+len(masks) > 0 {
		return m.addClasses(in, o)
	}
	return nil
}

// describe puts the names of classes into the config of a run, where W&B looks
// for them. The spelling is its own.
func describe(dst media.Store, kind, name string, names map[int]string) {
	run, ok := dst.(media.RunStore)
	if !ok || names == nil {
		return
	}
	key := run.Key() + "_wandb_delimeter_" + name
	run.Describe([]string{kind, key}, media.Object{"type": kind, "key": key, "value": byText(names)})
}

func byText(names map[int]string) media.Object {
	o := media.Object{}
	for id, name := range names {
		o[fmt.Sprint(id)] = name
	}
	return o
}

// store stores a mask.
func (m Mask) store(dst media.Store, size image.Point) (media.Object, error) {
	f := media.File{Dir: "images/mask", Ext: ".mask.png", Path: m.Path}
	if m.Classes != nil {
		grey := &image.Gray{Pix: m.Classes, Stride: size.X, Rect: image.Rectangle{Max: size}}
		f.Write = func(w io.Writer) error { return png.Encode(w, grey) }
	} else {
		f.Ext = ""
	}
	o, err := dst.Put(f)
	if err != nil {
		return nil, err
	}
	o["_type"] = "mask"
	return o, nil
}

// names are the classes of a mask; nil when only its file knows.
func (m Mask) names() map[int]string {
	if m.Names != nil || m.Classes == nil {
		return m.Names
	}
	names := map[int]string{}
	for _, c := range m.Classes {
		if _, ok := names[int(c)]; !ok {
			names[int(c)] = fmt.Sprintf("class_%d", c)
		}
	}
	return names
}

func (b Boxes) names() map[int]string {
	if b.Names != nil {
		return b.Names
	}
	names := map[int]string{}
	for _, box := range b.List {
		names[box.Class] = fmt.Sprintf("class_%d", box.Class)
	}
	return names
}

// store stores boxes: as a file in a run, as they are in an artifact.
func (b Boxes) store(dst media.Store) (any, error) {
	if _, ok := dst.(media.ArtifactStore); ok {
		list := make([]any, len(b.List))
		for i, box := range b.List {
			list[i] = mediajson.Members(box.members()).Object()
		}
		return list, nil
	}
	list := make([]any, len(b.List))
	for i, box := range b.List {
		list[i] = mediajson.Members(box.members())
	}
	all := mediajson.Members{{Key: "box_data", Value: list}}
	if b.Names != nil {
		var names mediajson.Members
		for _, id := range slices.Sorted(maps.Keys(b.Names)) {
			names = append(names, mediajson.Member{Key: fmt.Sprint(id), Value: b.Names[id]})
		}
		all = append(all, mediajson.Member{Key: "class_labels", Value: names})
	}
	o, err := dst.Put(media.File{Dir: "metadata/boxes2D", Ext: ".boxes2D.json", Write: func(w io.Writer) error {
		text, err := mediajson.Append(nil, all)
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	}})
	if err != nil {
		return nil, err
	}
	o["_type"] = "boxes2D"
	return o, nil
}

// members are those of a box, in the order of W&B's documents.
func (b Box) members() mediajson.Members {
	position := mediajson.Members{{Key: "minX", Value: b.MinX}, {Key: "maxX", Value: b.MaxX}, {Key: "minY", Value: b.MinY}, {Key: "maxY", Value: b.MaxY}}
	if b.Middle != nil {
		position = mediajson.Members{{Key: "middle", Value: b.Middle[:]}, {Key: "width", Value: b.Width}, {Key: "height", Value: b.Height}}
	}
	all := mediajson.Members{{Key: "position", Value: position}}
	if b.Pixels {
		all = append(all, mediajson.Member{Key: "domain", Value: "pixel"})
	}
	all = append(all, mediajson.Member{Key: "class_id", Value: b.Class})
	if b.Caption != "" {
		all = append(all, mediajson.Member{Key: "box_caption", Value: b.Caption})
	}
	if len(b.Scores) > 0 {
		var scores mediajson.Members
		for _, name := range slices.Sorted(maps.Keys(b.Scores)) {
			scores = append(scores, mediajson.Member{Key: name, Value: b.Scores[name]})
		}
		all = append(all, mediajson.Member{Key: "scores", Value: scores})
	}
	return all
}
