package media

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// content is the one file in a store.
func content(t *testing.T, m *puts) (name, text string) {
	t.Helper()
	if len(m.files) != 1 {
		t.Fatalf("%d files, want 1", len(m.files))
	}
	for name, text = range m.files {
	}
	return name, text
}

// TestFiles: kind, extension and content of values that are one file, and what
// stands for them in a row. The contents are those of the official client.
func TestFiles(t *testing.T) {
	f := func(v Value, typ, dir, ext, text string) {
		t.Helper()
		row, m := inRun(t, v)
		name, got := content(t, &m.puts)
		if got != text {
			t.Errorf("%s: got %q, want %q", typ, got, text)
		}
		if !strings.HasPrefix(name, "media/"+dir+"/") || !strings.HasSuffix(name, ext) {
			t.Errorf("%s: file %s", typ, name)
		}
		for _, want := range []string{`"_type":"` + typ + `"`, `"path":"` + name + `"`, `"sha256":"`, `"size":`} {
			if !strings.Contains(row, want) {
				t.Errorf("%s: %s lacks %s", typ, row, want)
			}
		}
	}
	const head = `<base target="_blank"><link rel="stylesheet" type="text/css" href="https://app.wandb.ai/normalize.css" />`
	f(HTML{Text: "<b>bold</b>"}, "html-file", "html", ".html", head+"<b>bold</b>")
	f(HTML{Text: "<html><head></head></html>"}, "html-file", "html", ".html", "<html><head>"+head+"</head></html>")
	f(HTML{Text: "<html><b></html>"}, "html-file", "html", ".html", "<html><head>"+head+"</head><b></html>")
	f(HTML{Text: " x ", Raw: true}, "html-file", "html", ".html", " x ")
	f(HTML{Path: writeFile(t, "p.html", "page")}, "html-file", "html", ".html", head+"page")
	f(HTML{Path: writeFile(t, "p.html", "page"), Raw: true}, "html-file", "html", ".html", "page")
	f(Text("a<b"), "html-file", "html", ".html", head+`<pre style="white-space: pre-wrap">a&lt;b</pre>`)
	f(Object3D{Path: writeFile(t, "m.obj", "v 0 0 0"), Caption: "c"}, "object3D-file", "object3D", ".obj", "v 0 0 0")
	f(Object3D{Path: writeFile(t, "m.pts.json", "[]")}, "object3D-file", "object3D", ".pts.json", "[]")
	f(PointCloud{Points: [][3]float64{{0, 0, 0}, {1, 2, 3}}}, "object3D-file", "object3D", ".pts.json", "[[0.0,0.0,0.0],[1.0,2.0,3.0]]")
	f(PointCloud{Points: [][3]float64{{0, 0, 0}}, Categories: []int{14}}, "object3D-file", "object3D", ".pts.json", "[[0.0,0.0,0.0,14.0]]")
	f(PointCloud{Points: [][3]float64{{0, 0, 0}}, Colors: [][3]uint8{{1, 2, 255}}}, "object3D-file", "object3D", ".pts.json", "[[0.0,0.0,0.0,1.0,2.0,255.0]]")
	score := 0.5
	f(PointCloud{Points: [][3]float64{{0, 0, 0}}, Boxes: []Box3D{{Label: "car", Color: [3]uint8{1, 2, 3}, Score: &score}}, Vectors: []Vector3D{{End: [3]float64{1}}}},
		"object3D-file", "object3D", ".pts.json", `{"boxes":[{"color":[1,2,3],"corners":[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]],"label":"car","score":0.5}],`+
			`"points":[[0.0,0.0,0.0]],"type":"lidar/beta","vectors":[{"end":[1.0,0.0,0.0],"start":[0.0,0.0,0.0]}]}`)
	f(Molecule{Path: writeFile(t, "m.pdb", "ATOM")}, "molecule-file", "molecule", ".pdb", "ATOM")
	f(Molecule{Text: "ATOM", Format: "sdf"}, "molecule-file", "molecule", ".sdf", "ATOM")
	f(Audio{Path: writeFile(t, "s.mp3", "sound")}, "audio-file", "audio", ".mp3", "sound")
	f(Audio{Samples: []float32{0, 1, -2, 0.5}, Rate: 8000, Channels: 2}, "audio-file", "audio", ".wav",
		"RIFF\x2c\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x40\x1f\x00\x00\x00\x7d\x00\x00\x04\x00\x10\x00data\x08\x00\x00\x00\x00\x00\xff\x7f\x01\x80\x00\x40")
	f(Plotly{Figure: json.RawMessage(`{"data": [{"x": [1]}]}`)}, "plotly-file", "plotly", ".plotly.json", `{"data": [{"x": [1]}]}`)
	f(Plot{From: strings.NewReader("<?xml version='1.0'?><svg/>"), Format: "svg"}, "html-file", "html", ".html", "<html><body><svg/></body></html>")
	f(Plot{From: strings.NewReader("<p>"), Format: "HTML"}, "html-file", "html", ".html", "<p>")
	f(VegaLite{Spec: map[string]any{"mark": "</script>"}, Scripts: "http://x/"}, "html-file", "html", ".html",
		`<html><head><script src="http://x/vega@6"></script><script src="http://x/vega-lite@6"></script><script src="http://x/vega-embed@7"></script></head>`+
			`<body><div id="chart"></div><script>vegaEmbed("#chart", {"mark":"\u003c/script\u003e"})</script></body></html>`)
	f(Graph{Nodes: []Node{{ID: "a", Class: "Linear", OutputShape: []int{0, 3}, Parameters: 9}, {ID: "b", Name: "out", Output: true}}, Edges: [][2]string{{"a", "b"}}},
		"graph-file", "graph", ".graph.json", `{"edges":[["a","b"]],"format":"keras","nodes":[{"class_name":"Linear","id":"a","name":"a","num_parameters":9,"output_shape":[null,3]},{"id":"b","is_output":true,"name":"out"}]}`)
}

func TestFilesRefuse(t *testing.T) {
	f := func(v Value, want string) {
		t.Helper()
		_, err := v.StoreMedia(&runMemory{})
		refused(t, err, want)
	}
	f(HTML{Text: "x", Path: "p.html"}, "page with 2 sources")
	f(HTML{Path: "p.txt"}, "want one of the extensions .html")
	f(HTML{Path: t.TempDir() + "/none.html"}, "no such file")
	f(Object3D{Path: "m.txt"}, "file m.txt: want one of the extensions .obj .gltf .glb .babylon .stl .pts.json")
	f(Object3D{Path: t.TempDir() + "/none.obj"}, "no such file")
	f(PointCloud{Points: make([][3]float64, 2), Categories: []int{1}}, "2 points and 1 categories")
	f(PointCloud{Points: make([][3]float64, 1), Colors: make([][3]uint8, 2)}, "1 points and 2 colors")
	f(PointCloud{Points: make([][3]float64, 1), Categories: []int{15}}, "category 15 of point 0: want 1 to 14")
	f(PointCloud{Categories: []int{1}, Colors: [][3]uint8{{}}}, "want one of them")
	f(Molecule{}, "molecule with 0 sources")
	f(Molecule{Text: "x", Format: "doc"}, "want one of the extensions .pdb")
	f(Audio{}, "audio with 0 sources")
	f(Audio{Path: "x", Samples: []float32{0}}, "audio with 2 sources")
	f(Audio{Path: t.TempDir()}, "no regular file")
	f(Audio{Samples: []float32{0}}, "want Rate above 0")
	f(Audio{Samples: []float32{0}, Rate: 1, Channels: 2}, "1 samples in 2 channels")
	f(Audio{Samples: []float32{0}, Rate: 1, Channels: -1}, "-1 channels")
	nan := float32(0)
	nan /= nan
	f(Audio{Samples: []float32{0, nan}, Rate: 1}, "sample 1 is NaN")
	f(Plotly{}, "plotly figure: want a JSON object")
	f(Plotly{Figure: json.RawMessage(`{"data":1}`)}, "no list called data")
	f(Plotly{Figure: json.RawMessage(`{`)}, "plotly figure")
	f(VegaLite{Spec: []int{1}}, "vega-lite chart: want a JSON object")
	f(Plot{}, "nothing to draw")
	f(Plot{From: strings.NewReader("x"), Format: "png"}, `format "png": want svg or html`)
	f(Plot{From: strings.NewReader("x"), Format: "svg"}, "no <svg>")
	f(Plot{From: broken{}, Format: "svg"}, "draw plot: broken")
	f(Graph{}, "no nodes")
	f(Graph{Nodes: []Node{{}}}, `id "" of node 0`)
	f(Graph{Nodes: []Node{{ID: "a"}, {ID: "a"}}}, `id "a" of node 1`)
	f(Graph{Nodes: []Node{{ID: "a"}}, Edges: [][2]string{{"a", "b"}}}, `edge 0 from "a" to "b"`)
}

type broken struct{}

func (broken) WriteTo(io.Writer) (int64, error) { return 0, errors.New("broken") }

// TestListsOfFiles: the forms of the official client for several values under
// one key.
func TestListsOfFiles(t *testing.T) {
	f := func(want string, list ...Value) {
		t.Helper()
		m := &runMemory{puts: puts{run: true}}
		o, err := list[0].(Lister).StoreMediaList(m, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"html", "audio", "objects"} { // as they are alone
			delete(o, key)
		}
		if got := compact(t, o); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	mesh := writeFile(t, "m.obj", "v 0 0 0")
	f(`{"_type":"html","count":2}`, HTML{Text: "a"}, HTML{Text: "b"})
	f(`{"_type":"audio","captions":["","b"],"count":2,"durations":[0.5,null],"sampleRates":[2,null]}`, &Audio{Samples: []float32{0}, Rate: 2}, &Audio{Path: mesh, Caption: "b"})
	f(`{"_type":"object3D","count":1,"filenames":["7b6f74e6.obj"]}`, Object3D{Path: mesh})
	f(`{"_type":"object3D","count":1,"filenames":["f2ca8ff4.pts.json"]}`, PointCloud{Points: make([][3]float64, 1)})
	f(`{"_type":"molecule","captions":false,"count":1,"filenames":["media/molecule/939f3423.pdb"]}`, Molecule{Text: "ATOM", Format: "pdb"})
	f(`{"_type":"molecule","captions":["x",null],"count":2,"filenames":["media/molecule/939f3423.pdb","media/molecule/939f3423.pdb"]}`,
		Molecule{Text: "ATOM", Format: "pdb", Caption: "x"}, Molecule{Text: "ATOM", Format: "pdb"})
	_, err := HTML{}.StoreMediaList(&runMemory{}, []Value{HTML{}, HTML{Path: "x"}})
	refused(t, err, "element 1: file x")
}
