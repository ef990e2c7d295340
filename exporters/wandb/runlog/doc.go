// Package runlog writes, reads and repairs the on-disk log of a run, the W&B
// `.wandb` transaction log. The log is crash journal, offline format and
// upload queue in one file.
//
//	Row, Stats, Output ─ encode ─▶ queue ─▶ write(2) ─▶ run-<id>.wandb ─ Walk ─▶ Load, show, upload
//	Write (any record) ────────┘    │ held here, counted, while the file stalls or fails
//	OpenSteps ─────────────────────▶ run-<id>.open        fdatasync every second, beside
//	another process's Writer ──────▶ run-<id>.<w>.part ─ Fold, Repair ─▶ run-<id>.wandb
//	another rank's or node's directory of the same run ─ Join ─────────▶ run-<id>.wandb
//
// A log need not grow for ever: [Writer.Trim] takes off what is not needed.
//
// Promises: a call that returned nil has its record in the kernel or in the
// pending count; a power failure takes at most Options.Sync; a damaged log
// gives every record that is whole; [Repair] may be interrupted and run again.
//
// Not done here: deriving names, sampling, uploading, and anything with a
// network. The format is described in docs/wandb-format.md.
package runlog
