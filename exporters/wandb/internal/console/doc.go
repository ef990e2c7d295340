// Package console turns the raw text that a program wrote to its stdout and
// stderr into the numbered lines that W&B keeps, the way the official client
// does: a progress bar that redraws itself with carriage returns stays one
// line, and only its newest state is sent.
//
//	OutputRaw records ─▶ Write ─▶ terminal (one per stream) ─▶ window of 32 lines ─▶ Take ─▶ file stream "output.log"
//	OutputLogger records ─▶ Line ──────────────────────────────▲              └─▶ Text ─▶ files/output.log
//
// What is interpreted: \r, \n, and the sequences ESC [ A (up) and ESC [ B
// (down). Everything else is text and is kept, colours and tabs and all: the
// web interface draws them. Lines are numbered over both streams in the order
// of their first character. A line holds at most 4096 characters; the newest
// 32 lines can change, older ones are final.
//
// The same records give the same lines at the same numbers, always, so an
// upload that was cut off can be repeated from the log. For that the time of a
// line is the time of the record that began it; the official client puts the
// time at which it processed the record. Two more differences: a newline
// directly after an incomplete escape sequence ends the line here (there it
// becomes a character of the line, which no line file can hold), and a
// character that was cut in two by the end of a record is put together again.
//
// Memory: the window, plus the changed lines that nobody took yet. Whoever
// writes looks at Pending and takes before writing more.
//
// A Screen is not safe for concurrent use.
package console
