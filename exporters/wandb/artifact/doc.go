// Package artifact moves artifacts between disks and a W&B server: versions of
// named sets of files.
//
//	runapi/artifact ─▶ wandbpb.ArtifactRecord in the run log ─▶ Upload ─▶ files ─▶ manifest ─▶ commit
//	Download ─▶ manifest ─▶ names checked ─▶ cache or signed URLs ─▶ digests checked ─▶ files below one root
//	Use, Link ─▶ one question to the server each
//
// A manifest lists the entries of a version: a path, a digest, and for what is
// stored elsewhere a reference. The digest of a version is that of its paths and
// entry digests, so equal content is stored once.
//
// Promises: a file that changed since it was hashed is never committed; an
// upload that is repeated after a crash makes no second version; a download
// writes nothing outside its folder whatever names the server gives, never more
// bytes than the manifest announces, and nothing whose digest is wrong.
//
// Not done here: building artifacts from a program's files (runapi/artifact),
// and object stores (runapi/artifact/s3), which are handed in as Handlers.
package artifact
