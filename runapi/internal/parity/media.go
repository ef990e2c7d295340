package parity

var mediaRows = []Row{
	{ID: "MED-01", What: "Histogram from array or sequence"},
	{ID: "MED-02", What: "Image from a file, numpy array or PIL image"},
	{ID: "MED-03", What: "List of images under one key"},
	{ID: "MED-04", What: "Image caption"},
	{ID: "MED-05", What: "Segmentation masks"},
	{ID: "MED-06", What: "Video from array (time, channel, height, width) or path"},
	{ID: "MED-07", What: "Video fps and format"},
	{ID: "MED-08", What: "Matplotlib figure (interactive chart)"},
	{ID: "MED-09", What: "Precision-recall curve from labels and probabilities"},
	{ID: "MED-10", What: "Object3D from .obj, .gltf, .glb files"},
	{ID: "MED-11", What: "Table of structured data"},
	{ID: "MED-12", What: "Molecular structures"},
	{ID: "MED-13", What: "Dataset samples must be logged explicitly"},
	{ID: "MED-14", What: "Audio, HTML, text"},
}
