package picture

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// classSet is the object that lists classes in an artifact.
type classSet map[int]string

// StoreMedia lists the classes by number.
func (c classSet) StoreMedia(media.Store) (media.Object, error) {
	set := []any{}
	for _, id := range slices.Sorted(maps.Keys(c)) {
		set = append(set, media.Object{"id": id, "name": c[id]})
	}
	return media.Object{"_type": "classes", "class_set": set}, nil
}

// name is where an artifact has the list.
func (c classSet) name() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "{'id': %d, 'name': %q}", id, c[id])
	}
	sum := md5.Sum([]byte(b.String()))
	return "media/classes/" + hex.EncodeToString(sum[:]) + "_cls"
}

// classes are those of all masks and boxes. Of two names for a number that of a
// mask stands.
func (m Image) classes() classSet {
	all := classSet{}
	for _, b := range m.Boxes {
		maps.Copy(all, b.names())
	}
	for _, k := range m.Masks {
		maps.Copy(all, k.names())
	}
	return all
}

func (m Image) addClasses(dst media.ArtifactStore, o media.Object) error {
	all := m.classes()
	path, digest, err := dst.AddObject(all.name(), all)
	if err != nil {
		return err
	}
	o["classes"] = media.Object{"type": "classes-file", "path": path, "digest": digest}
	return nil
}

// CellType says what an image is in a table: which masks and boxes it has, and
// what their classes are.
func (m Image) CellType() (string, media.Object) {
	boxes, boxNames, scores := media.Object{}, media.Object{}, []string{}
	for key, b := range m.Boxes {
		names := b.names()
		boxes[key], boxNames[key] = slices.Sorted(maps.Keys(names)), byText(names)
		for _, box := range b.List {
			scores = slices.AppendSeq(scores, maps.Keys(box.Scores))
		}
	}
	masks, maskNames := media.Object{}, media.Object{}
	for key, k := range m.Masks {
		names := k.names()
		masks[key], maskNames[key] = slices.Sorted(maps.Keys(names)), byText(names)
	}
	slices.Sort(scores)
	return "image-file", media.Object{
		"box_layers": boxes, "box_score_keys": slices.Compact(scores), "mask_layers": masks,
		"box_class_maps": boxNames, "mask_class_maps": maskNames, "class_map": byText(m.classes()),
	}
}
