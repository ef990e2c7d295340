// Package runfiles stores the files of a run at a W&B server.
//
//	Add ─▶ queue ─▶ batch: CreateRunFiles ─▶ signed URLs ─▶ Put, Parallel at once ─▶ Uploaded ─▶ "uploaded" of the file stream
//	          ▲ Run: new files every Delay, live files every Poll, when they changed
//	          └ Finish: what waited for the end, and live files once more
//
// A file whose MD5 is that of its last upload is not sent again. While a file
// is sent, at most one further upload of it waits. What is read is what is
// told: the bytes are digested while they are sent and compared with those
// read before, and a file that changed meanwhile is sent again.
//
// Files are opened below a root that symlinks do not lead out of, and only
// regular files are: nothing here waits for the other end of a pipe. Files that
// are gone, are no files or are refused by the server are dropped, counted and
// said; whatever an outage holds up stays pending:
//
//	Offered = Sent + Dropped + Pending
//
// It neither expands patterns nor follows directories; who wrote the record
// did.
package runfiles
