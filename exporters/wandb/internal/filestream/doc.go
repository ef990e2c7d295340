// Package filestream speaks the file stream of a W&B server: history, events,
// summary and console lines of a run, each with its place in its file.
//
//	Lines.Append ─▶ Batch ─▶ Sender.Send ─▶ one request in flight ─▶ server
//	                             ├─ outage, 429, 5xx, an answer that is none: the same bytes again
//	                             ├─ 413: in halves
//	                             └─ 400, 404, 422: in halves until the bad line is alone, which is put aside
//
// A line keeps its number however often it is sent, so a repetition changes
// nothing at the server. What a batch holds, and when one is sent, is the
// caller's to decide.
package filestream
