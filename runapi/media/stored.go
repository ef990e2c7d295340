package media

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/runapi/internal/mediajson"
)

// Stored is a value that was read from an artifact and consists of files: an
// image, a sound, a page. It can be logged and added to artifacts again; package
// media/picture makes a picture.Image of one that is an image.
type Stored struct {
	Object Object // as the artifact has it: "_type", "path", "caption", ...

	dir string // of the artifact's files
}

// Type is the kind of the value, such as image-file.
func (s *Stored) Type() string {
	if s == nil {
		return "nil"
	}
	return text(s.Object, "_type")
}

// Caption is the caption, "" without one.
func (s *Stored) Caption() string {
	if s == nil {
		return ""
	}
	return text(s.Object, "caption")
}

func text(o Object, key string) string {
	t, _ := o[key].(string)
	return t
}

// Path is the local file of the value. The error says that it has none, or one
// outside the artifact.
func (s *Stored) Path() (string, error) {
	if s == nil {
		return "", errNil
	}
	return s.LocalPath(s.Object)
}

// LocalPath is the local file that a member of Object names: a mask.
func (s *Stored) LocalPath(o Object) (string, error) {
	name := filepath.FromSlash(text(o, "path"))
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%s has the path %q: want a file of the artifact", s.Type(), name)
	}
	return filepath.Join(s.dir, name), nil
}

// Classes are the names of classes that an image came with; nil without.
func (s *Stored) Classes() (map[int]string, error) {
	if s == nil {
		return nil, errNil
	}
	ref, _ := s.Object["classes"].(Object)
	if ref == nil {
		return nil, nil
	}
	where, err := s.LocalPath(ref)
	if err != nil {
		return nil, err
	}
	o, err := readObject(where)
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	set, _ := o["class_set"].([]any)
	for _, e := range set {
		c, _ := e.(Object)
		if id, ok := c["id"].(int64); ok {
			names[int(id)] = text(c, "name")
		}
	}
	return names, nil
}

func readObject(name string) (Object, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	v, err := xjson.Decode(content)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	o, ok := v.(Object)
	if !ok {
		return nil, fmt.Errorf("read %s: want a JSON object", name)
	}
	return o, nil
}

// folder is the folder below media/ that the file of an object is kept in.
func folder(o Object) string {
	dir := path.Dir(text(o, "path"))
	if base := path.Base(dir); len(base) == 20 && strings.Trim(base, "0123456789abcdef") == "" {
		dir = path.Dir(dir) // of a file that keeps its name
	}
	return strings.TrimPrefix(dir, "media/")
}

// StoreMedia stores the value again.
func (s *Stored) StoreMedia(dst Store) (Object, error) {
	if s == nil {
		return nil, errNil
	}
	o, err := s.put(dst, s.Object)
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"caption", "format", "width", "height", "grouping"} {
		if v, ok := s.Object[key]; ok {
			o[key] = v
		}
	}
	return o, s.layers(dst, o)
}

// put stores the file that an object names.
func (s *Stored) put(dst Store, from Object) (Object, error) {
	where, err := s.LocalPath(from)
	if err != nil {
		return nil, err
	}
	o, err := dst.Put(File{Dir: folder(from), Path: where, Ext: extension(where)})
	if err != nil {
		return nil, err
	}
	o["_type"] = text(from, "_type")
	return o, nil
}

// extension is that of a file, with both parts of such as .mask.png.
func extension(name string) string {
	ext := path.Ext(name)
	if inner := path.Ext(strings.TrimSuffix(path.Base(name), ext)); inner == ".mask" || inner == ".pts" {
		return inner + ext
	}
	return ext
}

// layers stores masks and boxes of an image, and the names of their classes.
func (s *Stored) layers(dst Store, o Object) error {
	masks, _ := s.Object["masks"].(Object)
	boxes, _ := s.Object["boxes"].(Object)
	if len(masks)+len(boxes) == 0 {
		return nil
	}
	names, err := s.Classes()
	if err != nil {
		return err
	}
	labels := Object{}
	set := []any{}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		labels[fmt.Sprint(id)] = names[id]
		set = append(set, Object{"id": id, "name": names[id]})
	}
	again := Object{}
	for name, m := range masks {
		mask, _ := m.(Object)
		if again[name], err = s.put(dst, mask); err != nil {
			return fmt.Errorf("mask %q: %w", name, err)
		}
		describeLayer(dst, "mask/class_labels", name, labels)
	}
	if len(again) > 0 {
		o["masks"] = again
	}
	if err := storeBoxes(dst, o, boxes, labels); err != nil {
		return err
	}
	ref, _ := s.Object["classes"].(Object)
	if in, ok := dst.(ArtifactStore); ok && ref != nil {
		where, digest, err := in.AddObject(strings.TrimSuffix(text(ref, "path"), ".classes.json"), known{"_type": "classes", "class_set": set})
		if err != nil {
			return err
		}
		o["classes"] = Object{"type": "classes-file", "path": where, "digest": digest}
	}
	return nil
}

// storeBoxes stores boxes: as a file in a run, as they are in an artifact.
func storeBoxes(dst Store, o, boxes, labels Object) error {
	if len(boxes) == 0 {
		return nil
	}
	o["boxes"] = boxes
	if _, ok := dst.(ArtifactStore); ok {
		return nil
	}
	again := Object{}
	for name, list := range boxes {
		box, err := dst.Put(File{Dir: "metadata/boxes2D", Ext: ".boxes2D.json", Write: func(w io.Writer) error {
			content, err := mediajson.Append(nil, Object{"box_data": list, "class_labels": labels})
			if err == nil {
				_, err = w.Write(content)
			}
			return err
		}})
		if err != nil {
			return fmt.Errorf("boxes %q: %w", name, err)
		}
		box["_type"] = "boxes2D"
		again[name] = box
		describeLayer(dst, "bounding_box/class_labels", name, labels)
	}
	o["boxes"] = again
	return nil
}

func describeLayer(dst Store, kind, name string, labels Object) {
	if run, ok := dst.(RunStore); ok && len(labels) > 0 {
		key := run.Key() + "_wandb_delimeter_" + name
		run.Describe([]string{kind, key}, Object{"type": kind, "key": key, "value": maps.Clone(labels)})
	}
}

// known is an object without files.
type known Object

func (k known) StoreMedia(Store) (Object, error) { return Object(k), nil }

// CellType says what the value is in a table.
func (s *Stored) CellType() (string, Object) {
	if s.Type() != "image-file" {
		return s.Type(), nil
	}
	return s.Type(), Object{
		"box_layers": Object{}, "box_score_keys": []string{}, "mask_layers": Object{},
		"box_class_maps": Object{}, "mask_class_maps": Object{}, "class_map": Object{},
	}
}

// objectTypes are the kinds of objects that artifacts have.
var objectTypes = []string{
	"table", "image-file", "audio-file", "video-file", "html-file", "object3D-file", "molecule-file",
}

// ErrNoObject is returned by Open for a name that no object has.
var ErrNoObject = errors.New("the artifact has no such object")

// Open reads an object that was added to an artifact as name, from the folder
// that the artifact was downloaded to: a *Table, or a *Stored for what consists
// of files.
func Open(dir, name string) (Value, error) {
	for _, typ := range append([]string{""}, objectTypes...) {
		file := name
		if typ != "" {
			file += "." + typ + ".json"
		}
		local := filepath.FromSlash(file)
		if !filepath.IsLocal(local) {
			return nil, fmt.Errorf("open object %q: %w", name, ErrNoObject)
		}
		if st, err := os.Stat(filepath.Join(dir, local)); errors.Is(err, fs.ErrNotExist) || err == nil && !st.Mode().IsRegular() {
			continue
		}
		o, err := readObject(filepath.Join(dir, local))
		if err != nil {
			return nil, fmt.Errorf("open object %q: %w", name, err)
		}
		v, err := valueOf(dir, o)
		if err != nil {
			return nil, fmt.Errorf("open object %q: %w", name, err)
		}
		return v, nil
	}
	return nil, fmt.Errorf("open object %q: %w", name, ErrNoObject)
}

// valueOf makes a value of its object.
func valueOf(dir string, o Object) (Value, error) {
	switch text(o, "_type") {
	case "":
		return nil, errors.New("it has no _type")
	case "table":
		return tableOf(dir, o)
	}
	if text(o, "path") == "" {
		return nil, fmt.Errorf("%s has no path", text(o, "_type"))
	}
	return &Stored{Object: o, dir: dir}, nil
}
