// Package api speaks HTTP to a Weights & Biases server: the GraphQL operations
// that a run and its artifacts need, the file stream, and transfers through
// signed URLs.
//
//	operation (UpsertBucket, CreateArtifact, ...) ──▶ query ──▶ retry ──▶ POST {base}/graphql
//	FileStream ────────────────────────────────────▶ one try ─▶ POST {base}/files/.../file_stream
//	Put, Get ───────────────────────────────────────▶ retry ──▶ the URL that the server gave
//
// Every failure is an *Error; Classify says what a caller can do about it. An
// answer with status 200 whose body is not what was asked for is a failure.
// Errors and log lines hold neither credentials nor the query of a signed URL.
//
// Credentials travel to the base URL and nowhere else. The package reads no
// environment and no files, starts no goroutine that outlives a call, and keeps
// nothing on disk: finding the key is the work of package auth, and what was
// delivered is remembered by the caller.
package api
