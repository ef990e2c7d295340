// Package runconfig makes what a run's config has beside the user's values: the
// block _wandb, in which a server finds telemetry, metric definitions and the
// environment of a run, and config.yaml (see wandb/wandb
// core/internal/runconfig and core/internal/corelib).
//
//	own["t"] = runconfig.Telemetry(t)      its presence tells a server that the run has started
//	own["m"] = runconfig.Metrics(list)
//	own["e"] = {writer: runconfig.Environment(e)}
//	file = runconfig.AppendYAML(nil, config)
//
// It keeps no state and reads no files.
package runconfig
