// Package gitrepo reads a git repository without git: which files it tracks, what
// is in a commit, and what a working tree has changed since.
//
//	.git/index ─▶ tracked files ─┐
//	.git/objects, packs ─▶ tree of HEAD ─┴▶ Changes ─▶ AppendPatch, as git diff HEAD writes it
//
// It runs no program and writes nothing. Filters (line ends, LFS) are not applied:
// a file that git itself has found unchanged is taken as unchanged. Submodules,
// symbolic links to be followed and files that are not tracked are left out.
// Everything that is read is bounded; what is larger is named, not shown.
package gitrepo

import "errors"

// Errors of this package.
var (
	// ErrFormat is something that git did not write, or in a form that is not
	// known here.
	ErrFormat = errors.New("not in a known form of git")
	// ErrNoObject is an object that the repository does not have, as in a partial
	// clone.
	ErrNoObject = errors.New("the repository lacks an object")
	// ErrTooLarge is more than what is read.
	ErrTooLarge = errors.New("larger than what is read")
)

// Limits of what is read.
const (
	maxIndex   = 256 << 20
	maxEntries = 1_000_000
	maxTree    = 64 << 20 // bytes of a tree or a commit
	maxFile    = 1 << 20  // bytes of a file that is compared line by line
	maxPatch   = 16 << 20 // bytes of a patch
	maxDeltas  = 4096     // objects in a row that are made of others
)

// Modes of git.
const (
	modeFile    = 0o100644
	modeExec    = 0o100755
	modeLink    = 0o120000
	modeGitlink = 0o160000
	modeTree    = 0o040000
)
