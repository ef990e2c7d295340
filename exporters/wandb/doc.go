// Package wandb delivers hardware samples to the log of a W&B run.
//
//	pump ─ Export ─▶ derive (W&B vocabulary) ─ every Config.Every ─▶ stats record ─▶ runlog.Writer
//	                 Batch.Facts, when changed ──────────────────▶ environment record
//
// The first sample is written at once and the last one at Shutdown, so that a
// run of two seconds has hardware data. A record carries the time of its newest
// reading by the clock of the batch, which for a run's output is the run's own.
// What the program logs does not come through here: it is in the log before
// the call that logged it returned.
package wandb

// Version is the version of this client as it stands in the logs it writes.
const Version = "0.1.0"
