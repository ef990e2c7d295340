// Package upload brings a run directory to a W&B server. The run log is the
// queue: nothing is copied out of it, and what the server has is kept as a place
// in the log.
//
//	run-<id>.wandb ─┐ read in order            ┌─ history, events, summary, console ─▶ file stream, one request in flight
//	run-<id>.*.part ┴▶ feed ─▶ batch ≤ 10 MiB ─┤
//	                    │ state, screen        ├─ names, config ─▶ UpsertBucket, debounced
//	                    └ mark behind batch    └─ files, alerts, artifacts ─▶ one worker each
//	                          │
//	run-<id>.upload ◀─ intent before each request, mark after the server's answer
//
// Promises. A row in the log is sent until the server acknowledges it, or is
// counted as dropped. Before a request goes out its records are noted as
// intent; after a crash the same records make the same lines at the same
// numbers, so that a request that the server had stored is not doubled. For
// every kind, offered = sent + dropped + pending, at every moment. An exit
// status that nobody saw is sent as 1, never as 0. Two uploads never send one
// run at a time.
//
// The step rule: rows are sent in the order of the log. A row keeps its own
// _step, shifted by the starting step of a resumed run, if that is above the
// step of the row before; otherwise it gets that step plus one, and is counted
// as moved. W&B keeps one row per step, so a repeated one would hide a row.
//
// Not done here: credentials, and repairing or joining logs.
package upload
