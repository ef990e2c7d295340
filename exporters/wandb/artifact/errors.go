package artifact

import "errors"

// Causes of errors of this package, for errors.Is.
var (
	// ErrNotRegular is something that is no regular file where one is needed.
	ErrNotRegular = errors.New("no regular file")

	// ErrChanged is content that is not what its digest says: a file that was
	// written to after it was hashed, or an object that was replaced since it
	// was referred to.
	ErrChanged = errors.New("changed since it was added")

	// ErrBadDigest is a downloaded file whose content is not what the manifest
	// says.
	ErrBadDigest = errors.New("the content is not what the manifest says")

	// ErrBadName is a path that is not kept: it could leave its folder, or could
	// not be a file on every system. It is also a name that no artifact can have.
	ErrBadName = errors.New("unusable name")

	// ErrBadManifest is a manifest that is none, or not of a known kind.
	ErrBadManifest = errors.New("unusable manifest")

	// ErrType is a version of another type than the one that is wanted.
	ErrType = errors.New("the artifact has another type")

	// ErrNoHandler is a reference whose scheme nobody handles.
	ErrNoHandler = errors.New("no handler for the reference")
)
