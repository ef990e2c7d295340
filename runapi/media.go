package runapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// Media is a value that is more than JSON: a table, an image, a histogram. The
// packages runapi/media, runapi/media/picture and runapi/media/video have them;
// anything else that implements the interface can be logged as well.
//
// A Media goes wherever a value goes: Log takes one, a list of them, and maps
// that hold them at any depth; Summary.Set takes one too. The order of things is:
//
//	Log ─▶ step rules, first look ─▶ Media.StoreMedia writes its files, no lock held
//	    ─▶ step rules ─▶ files record (sent now), config, artifact ─▶ history record ─▶ Log returns
//
// So whatever Log has acknowledged has its files in the run directory, with the
// kernel like the row itself (a power failure may cost a file of the last half
// minute). When a file cannot be written, or the row is
// refused, nothing of the row is stored and its files are taken away again.
// Files are named media/<kind>/<key>_<step>_<hash><ext>, as the official client
// names them; the step is the run's when Log was called, and may differ from the
// row's when several goroutines log without AtStep. Names hold a hash of the
// content: equal names are equal files, whoever writes them.
type Media = media.Value

var mediaType = reflect.TypeFor[media.Value]()

// flattenMedia adds value if it is media, or a list or a map of media, and says
// whether it was.
func (r *Run) flattenMedia(v *values, path []string, value any) (bool, error) {
	switch x := value.(type) {
	case nil, float64, float32, int, int64, string, bool: // most values
		return false, nil
	case media.Value:
		return true, r.addMedia(v, path, x, nil)
	}
	if list := mediaList(value); len(list) > 0 {
		return true, r.addMedia(v, path, nil, list)
	}
	if nested := mediaMap(value); nested != nil {
		return true, r.flatten(v, path, nested)
	}
	return false, nil
}

// mediaList returns the elements of a list that holds media and nothing else.
func mediaList(value any) []media.Value {
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array || v.Len() == 0 {
		return nil
	}
	if elem := v.Type().Elem(); elem.Kind() != reflect.Interface && !elem.Implements(mediaType) {
		return nil
	}
	list := make([]media.Value, v.Len())
	for i := range list {
		m, ok := v.Index(i).Interface().(media.Value)
		if !ok {
			return nil
		}
		list[i] = m
	}
	return list
}

// mediaMap makes a map from text to media one like other nested maps; nil for
// any other value.
func mediaMap(value any) map[string]any {
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Map || v.Type().Key().Kind() != reflect.String || !v.Type().Elem().Implements(mediaType) {
		return nil
	}
	m := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		m[it.Key().String()] = it.Value().Interface()
	}
	return m
}

// addMedia adds media below path as one value. Their files are in place then.
func (r *Run) addMedia(v *values, path []string, one media.Value, list []media.Value) error {
	if v.media == nil {
		step, err := r.mediaStep(v.opts)
		if err != nil {
			return err
		}
		v.media = &mediaStore{run: r, step: step}
	}
	name, text, err := v.media.encode(path, one, list)
	if err != nil {
		first := any(one)
		if one == nil {
			first = list
		}
		return valueError(path, first, err)
	}
	if err := checkPath(name); err != nil {
		return err
	}
	v.add(r.keys.of(r, runlog.NewKey(name...)), runlog.Item{Kind: runlog.JSON, JSON: text})
	return nil
}

// mediaStep is the step that files of a row are named after. The error is that
// of a row which cannot be stored anyway.
func (r *Run) mediaStep(opts []LogOption) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return "", ErrFinished
	}
	t, err := r.targetOf(opts)
	if err != nil {
		return "", err
	}
	return strconv.FormatInt(r.base+t.step, 10), nil
}

// encode stores media and returns their key and JSON.
func (s *mediaStore) encode(path []string, one media.Value, list []media.Value) (name []string, text []byte, err error) {
	s.loggedAs = strings.Join(path, ".")
	if n, ok := one.(media.Renamer); ok && !isNil(one) {
		path = []string{n.MediaKey(s.loggedAs)}
	}
	s.key = path[len(path)-1]
	if one != nil {
		list = []media.Value{one}
	}
	for i, m := range list {
		if isNil(m) {
			return nil, nil, fmt.Errorf("media %d is nil", i)
		}
	}
	var object any
	switch lister, ok := list[0].(media.Lister); {
	case one != nil:
		object, err = one.StoreMedia(s)
	case ok && sameType(list):
		object, err = lister.StoreMediaList(s, list)
	default:
		object, err = s.each(list)
	}
	if err != nil {
		return nil, nil, err
	}
	text, err = xjson.AppendValue(nil, object)
	return path, text, err
}

// isNil says whether there is nothing behind a value: its methods may not be
// called.
func isNil(m media.Value) bool {
	if m == nil {
		return true
	}
	v := reflect.ValueOf(m)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// each stores media that have no common form.
func (s *mediaStore) each(list []media.Value) ([]any, error) {
	all := make([]any, len(list))
	for i, m := range list {
		if _, ok := m.(media.Renamer); ok {
			return nil, fmt.Errorf("element %d: %w", i, errRenamed)
		}
		object, err := m.StoreMedia(s)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		all[i] = object
	}
	return all, nil
}

func sameType(list []media.Value) bool {
	return !slices.ContainsFunc(list, func(m media.Value) bool { return reflect.TypeOf(m) != reflect.TypeOf(list[0]) })
}

// attach writes the records that belong to the media of a row, before the row.
// Called with mu held.
func (r *Run) attach(s *mediaStore) error {
	for _, rec := range s.records() {
		if err := r.write(rec); err != nil {
			return fmt.Errorf("log media: %w", err)
		}
		s.named = true
	}
	return nil
}

// records tells readers of the log of files, names of classes and artifacts.
func (s *mediaStore) records() (all []*wandbpb.Record) {
	if len(s.files) > 0 {
		rec := &wandbpb.FilesRecord{}
		for _, name := range s.files {
			rec.Files = append(rec.Files, &wandbpb.FilesItem{Path: name, Policy: wandbpb.FilesItem_NOW, Type: wandbpb.FilesItem_MEDIA})
		}
		all = append(all, &wandbpb.Record{RecordType: &wandbpb.Record_Files{Files: rec}})
	}
	config := &wandbpb.ConfigRecord{}
	for _, item := range s.config {
		if !s.run.hasConfig(item) {
			config.Update = append(config.Update, item)
		}
	}
	if len(config.Update) > 0 {
		all = append(all, &wandbpb.Record{RecordType: &wandbpb.Record_Config{Config: config}})
	}
	for _, a := range s.artifacts {
		all = append(all, &wandbpb.Record{RecordType: &wandbpb.Record_Artifact{Artifact: a}})
	}
	return all
}

// hasConfig says whether the config holds an item as it is. Called with mu held.
func (r *Run) hasConfig(item *wandbpb.ConfigItem) bool {
	have, ok := lookup(r.state.Config(), item.NestedKey)
	want, err := xjson.Decode([]byte(item.ValueJson))
	return ok && err == nil && reflect.DeepEqual(have, want)
}

// summaryItem encodes a summary value, with the files and records of the media
// in it.
func (r *Run) summaryItem(path []string, value any) (runlog.Item, error) {
	s := &mediaStore{run: r, step: summaryStep}
	it, err := s.summaryItem(path, value)
	if err == nil && len(s.files)+len(s.artifacts) > 0 {
		err = r.attachAlone(s)
	}
	s.end()
	return it, err
}

func (s *mediaStore) summaryItem(path []string, value any) (runlog.Item, error) {
	plain, err := s.replace(path, value)
	if err != nil {
		return runlog.Item{}, err
	}
	it, err := item(plain)
	if err != nil {
		return it, valueError(path, value, err)
	}
	return it, nil
}

// attachAlone is attach for media that belong to no row.
func (r *Run) attachAlone(s *mediaStore) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return ErrFinished
	}
	return r.attach(s)
}

// errRenamed refuses what is more than a value under a key.
var errRenamed = errors.New("it is stored under a key of its own: log it alone")

// replace stores the media in value, which stands at path, and returns value
// with their JSON in place of them.
func (s *mediaStore) replace(path []string, value any) (any, error) {
	one, isOne := value.(media.Value)
	nested, isMap := value.(map[string]any)
	if !isMap {
		nested = mediaMap(value)
	}
	switch list := mediaList(value); {
	case isOne || len(list) > 0:
		if _, ok := value.(media.Renamer); ok {
			return nil, valueError(path, value, errRenamed)
		}
		_, text, err := s.encode(path, one, list)
		if err != nil {
			return nil, valueError(path, value, err)
		}
		return json.RawMessage(text), nil
	case nested == nil || len(path) > xjson.MaxDepth:
		return value, nil
	}
	plain := make(map[string]any, len(nested))
	for name, v := range nested {
		var err error
		if plain[name], err = s.replace(append(path[:len(path):len(path)], name), v); err != nil {
			return nil, err
		}
	}
	return plain, nil
}
