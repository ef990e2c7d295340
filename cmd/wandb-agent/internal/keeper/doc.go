// Package keeper runs a command as a run: it owns the command, its pipes or
// pseudo-terminal and its exit status, and keeps a worker process beside it
// that measures. The worker may die at any moment without the command
// noticing; so may, with the losses stated below, the keeper.
//
//	terminal ──raw──▶ ┌───────────── keeper ─────────────┐
//	signals  ───────▶ │ forwarder ─────────────────────▶ │ command ──▶ its children
//	                  │                                  │    │ │
//	our stdout ◀──────│ pump ◀────────── pipe or pty ◀───│────┘ │
//	our stderr ◀──────│ pump ◀────────── pipe ◀──────────│──────┘
//	                  │  │ copy                          │    ┆ (read ends, inherited,
//	                  │  ▼                               │    ┆  untouched while we live)
//	run-ID.exec.part ◀│ queue ─▶ lines                   │    ▼
//	                  │ supervisor ◀── socket ─────────▶ │ worker ──▶ run-ID.wandb
//	                  └──────────────────────────────────┘
//
// Promises
//   - The exit status is the command's own, read by wait(2).
//   - Bytes reach our stdout and stderr unchanged and in order within a stream.
//     The log is fed from a bounded queue. A log that takes 32 MiB/s or more may
//     hold the command to its pace and lacks nothing; for a slower one the
//     command waits for at most LogPatience, then bytes are left out of the log
//     only, counted, and a line in the log says how many.
//   - The command never waits for the worker.
//   - After kill -9 of the keeper the command goes on: the worker takes over the
//     read ends and copies the console to where it went before. Lost are the bytes
//     that the keeper had read and not yet written. In a terminal, keys no longer
//     reach the command and the terminal keeps raw mode until the shell resets it.
//   - After kill -9 of keeper and worker nobody reads the console any more: the
//     command gets SIGPIPE (SIGHUP in a terminal). Nothing can prevent that.
//
// Nothing here uses cgo or the network.
package keeper
