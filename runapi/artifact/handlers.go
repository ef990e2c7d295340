package artifact

import "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"

// A Handler reads what references of some schemes point at.
type Handler = artifact.Handler

// DownloadOptions say how the files of a version that a run uses are fetched.
type DownloadOptions = artifact.DownloadOptions

// Track is a Handler that keeps references of some schemes as they are and looks
// at nothing: for data at the same place on every machine. Without schemes it is
// for plain paths, such as those of a network file system: AddReference then
// takes "/data/images". The entry's digest is the reference.
func Track(schemes ...string) Handler {
	if len(schemes) == 0 {
		schemes = []string{""}
	}
	return artifact.Tracked(schemes)
}

// LocalFiles is the Handler of file:// references, which every artifact has: a
// folder becomes an entry for each file below it.
func LocalFiles() Handler { return artifact.Files{} }
