package picture

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// Of makes an Image of one that was read from an artifact (media.Open): its
// file, caption, masks and boxes with the names of their classes.
func Of(s *media.Stored) (Image, error) {
	if s == nil || s.Type() != "image-file" {
		return Image{}, fmt.Errorf("image of a %s: want an image-file", s.Type())
	}
	path, err := s.Path()
	if err != nil {
		return Image{}, err
	}
	m := Image{Path: path, Caption: s.Caption()}
	if n, ok := s.Object["grouping"].(int64); ok {
		m.Grouping = int(n)
	}
	names, err := s.Classes()
	if err != nil {
		return Image{}, fmt.Errorf("classes of image: %w", err)
	}
	masks, _ := s.Object["masks"].(media.Object)
	for name, v := range masks {
		o, _ := v.(media.Object)
		path, err := s.LocalPath(o)
		if err != nil {
			return Image{}, fmt.Errorf("mask %q: %w", name, err)
		}
		if m.Masks == nil {
			m.Masks = map[string]Mask{}
		}
		m.Masks[name] = Mask{Path: path, Names: names}
	}
	boxes, _ := s.Object["boxes"].(media.Object)
	for name, v := range boxes {
		list, _ := v.([]any)
		if m.Boxes == nil {
			m.Boxes = map[string]Boxes{}
		}
		b := Boxes{Names: names}
		for _, v := range list {
			o, _ := v.(media.Object)
			b.List = append(b.List, boxOf(o))
		}
		m.Boxes[name] = b
	}
	return m, nil
}

// boxOf reads a box.
func boxOf(o media.Object) Box {
	at, _ := o["position"].(media.Object)
	b := Box{
		MinX: number(at["minX"]), MaxX: number(at["maxX"]), MinY: number(at["minY"]), MaxY: number(at["maxY"]),
		Class: int(number(o["class_id"])), Pixels: o["domain"] == "pixel",
	}
	if middle, _ := at["middle"].([]any); len(middle) == 2 {
		b.Middle = &[2]float64{number(middle[0]), number(middle[1])}
		b.Width, b.Height = number(at["width"]), number(at["height"])
	}
	b.Caption, _ = o["box_caption"].(string)
	scores, _ := o["scores"].(media.Object)
	for name, v := range scores {
		if b.Scores == nil {
			b.Scores = map[string]float64{}
		}
		b.Scores[name] = number(v)
	}
	return b
}

func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}
