package media

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wandb-agent/wandb-agent/runapi/internal/mediajson"
)

// Object3D is a file with a 3D scene: .obj, .gltf, .glb, .babylon, .stl, or
// .pts.json (points, see PointCloud).
type Object3D struct {
	Path    string
	Caption string
}

// StoreMedia stores the file.
func (v Object3D) StoreMedia(dst Store) (Object, error) {
	f, err := fileOf("object3D", v.Path, ".obj", ".gltf", ".glb", ".babylon", ".stl", ".pts.json")
	if err != nil {
		return nil, err
	}
	return stored{"object3D-file", f, v.Caption}.put(dst)
}

// StoreMediaList stores several scenes under one key.
func (v Object3D) StoreMediaList(dst RunStore, list []Value) (Object, error) {
	return scenes(dst, list)
}

// CellType says what a scene is in a table.
func (v Object3D) CellType() (string, Object) { return "object3D-file", nil }

// PointCloud is points in space, with boxes and arrows among them.
type PointCloud struct {
	Points     [][3]float64 // x, y, z
	Categories []int        // 1 to 14, one for each point, or none
	Colors     [][3]uint8   // red, green, blue, one for each point, or none
	Boxes      []Box3D
	Vectors    []Vector3D
	Caption    string
}

// Box3D is a box in space.
type Box3D struct {
	Corners [8][3]float64
	Label   string
	Color   [3]uint8 // red, green, blue
	Score   *float64 // confidence; nil: none
}

// Vector3D is an arrow in space.
type Vector3D struct{ Start, End [3]float64 }

// StoreMedia stores the points.
func (c PointCloud) StoreMedia(dst Store) (Object, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	f := File{Dir: "object3D", Ext: ".pts.json", Write: c.write}
	return stored{"object3D-file", f, c.Caption}.put(dst)
}

func (c PointCloud) check() error {
	if c.Categories != nil && c.Colors != nil {
		return errors.New("point cloud with categories and colors: want one of them")
	}
	for what, n := range map[string]int{"categories": len(c.Categories), "colors": len(c.Colors)} {
		if n > 0 && n != len(c.Points) {
			return fmt.Errorf("point cloud of %d points and %d %s: want one for each", len(c.Points), n, what)
		}
	}
	for i, k := range c.Categories {
		if k < 1 || k > 14 {
			return fmt.Errorf("point cloud: category %d of point %d: want 1 to 14", k, i)
		}
	}
	return nil
}

// write writes a list of points, or a scene when there is more.
func (c PointCloud) write(w io.Writer) error {
	points := make([]any, len(c.Points))
	for i, p := range c.Points {
		row := []any{p[0], p[1], p[2]}
		switch {
		case c.Categories != nil:
			row = append(row, float64(c.Categories[i])) // a row has one type
		case c.Colors != nil:
			row = append(row, float64(c.Colors[i][0]), float64(c.Colors[i][1]), float64(c.Colors[i][2]))
		}
		points[i] = row
	}
	var scene any = points
	if len(c.Boxes)+len(c.Vectors) > 0 {
		boxes, vectors := []any{}, []any{}
		for _, b := range c.Boxes {
			boxes = append(boxes, b.object())
		}
		for _, v := range c.Vectors {
			vectors = append(vectors, Object{"start": v.Start[:], "end": v.End[:]})
		}
		scene = Object{"type": "lidar/beta", "vectors": vectors, "points": points, "boxes": boxes}
	}
	text, err := mediajson.Append(nil, scene)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

func (b Box3D) object() Object {
	corners := make([]any, len(b.Corners))
	for i := range b.Corners {
		corners[i] = b.Corners[i][:]
	}
	o := Object{"corners": corners, "color": []any{int(b.Color[0]), int(b.Color[1]), int(b.Color[2])}, "label": nil, "score": nil}
	if b.Label != "" {
		o["label"] = b.Label
	}
	if b.Score != nil {
		o["score"] = *b.Score
	}
	return o
}

// StoreMediaList stores several clouds under one key.
func (c PointCloud) StoreMediaList(dst RunStore, list []Value) (Object, error) {
	return scenes(dst, list)
}

// CellType says what points are in a table.
func (c PointCloud) CellType() (string, Object) { return "object3D-file", nil }

func scenes(dst RunStore, list []Value) (Object, error) {
	all, err := objects(dst, list)
	if err != nil {
		return nil, err
	}
	names := Members(all, "path")
	for i := range names {
		if name, ok := names[i].(string); ok {
			names[i] = strings.TrimPrefix(name, "media/object3D/")
		}
	}
	return Object{"_type": "object3D", "filenames": names, "count": len(all), "objects": all}, nil
}
