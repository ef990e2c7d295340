// Package media holds the values that a run shows and that are more than
// numbers and text: tables, charts, histograms, audio, pages, 3D objects.
//
//	h, err := media.NewHistogram(gradients, 64)
//	run.Log(map[string]any{"gradients": h, "loss": loss})
//
// A value is logged under a key like any other one: by Run.Log, alone, in a
// list, or nested in maps; by Summary.Set; or added to an artifact. Its files go
// below the run's files (media/<kind>/<key>_<step>_<hash>) and are there when Log
// returns; its JSON, which names them, is what the row holds. All of it is as the
// official client writes and reads it.
//
// What needs an image codec has packages of its own, so that a program which
// logs histograms and tables links none: [media/picture] (images, masks, boxes)
// and [media/video] (files and frames).
//
//	Histogram, Table, Chart               numbers, rows, and what W&B draws of them
//	HTML, Text, Plot, VegaLite, Plotly    pages and figures
//	Audio, Object3D, PointCloud, Molecule files, or made of samples and points
//	Graph                                 layers of a model
//	picture.Image, video.Video
//
// Limits: MaxTableRows, MaxPreviewRows, MaxBins, picture.MaxList. What is beyond
// one is an error, never left out without a word.
//
// # Values of your own
//
// Whatever implements [Value] can be logged. It gets a [Store] to put files in
// and returns the JSON object that stands for it; where the place is a run, the
// Store is a [RunStore] as well, and where it is an artifact an [ArtifactStore].
//
// [media/picture]: https://pkg.go.dev/github.com/wandb-agent/wandb-agent/runapi/media/picture
// [media/video]: https://pkg.go.dev/github.com/wandb-agent/wandb-agent/runapi/media/video
package media
