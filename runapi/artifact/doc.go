// Package artifact builds artifacts: versions of named sets of files, which a
// run makes or uses.
//
//	a, err := artifact.New("weights", "model", artifact.Options{Metadata: map[string]any{"epoch": 3}})
//	err = a.AddFile("model.bin", artifact.FileOptions{})
//	err = a.AddDir(ctx, "tokenizer", artifact.DirOptions{Name: "tokenizer"})
//	err = a.AddReference(ctx, "s3://bucket/data", artifact.ReferenceOptions{})
//	logged, err := run.LogArtifact(ctx, a, ...)
//
//	AddFile, AddDir, NewFile ─▶ staged, hashed ─┐
//	AddReference ─▶ Handler ─▶ entries ─────────┴▶ manifest ─ Record ─▶ run log ─▶ upload
//
// A file is hashed when it is added. What is sent later is compared with that,
// so a version never holds content that changed in between; how a file is kept
// until then is its Policy.
//
// Not done here: uploading and downloading (exporters/wandb/artifact), and
// clients of object stores, which are handed in as Handlers (runapi/artifact/s3).
package artifact
