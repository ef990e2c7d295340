// Package server is a server of the W&B protocol as clients see it: runs with
// their file stream and files, artifacts, sweeps as far as an agent needs them.
//
//	POST /graphql ─▶ schema.graphql ─▶ resolvers ─┐
//	POST /files/<entity>/<project>/<run>/file_stream ─▶ internal/stream ─┤
//	PUT, GET /storage/... (signed)                ─┴▶ internal/store ─▶ plain files
//	GET /proof/... ◀─ what was stored, as JSON
//
// It is strict: what the protocol does not allow is refused with a reason, and
// kept in Violations, so that a test of a client can ask for none. It keeps
// everything in one directory, in a form that people can read, and goes on from
// there when it is opened again.
//
// There is one user, and no page to look at.
package server
