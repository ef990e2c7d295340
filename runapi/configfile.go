package runapi

import (
	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"
)

// configFile builds the content of config.yaml: every config key as
// {value: ...}, and the block _wandb that W&B keeps its own facts in.
func (r *Run) configFile() map[string]any {
	file := make(map[string]any)
	for key, value := range r.state.Config() {
		file[key] = map[string]any{"value": value}
	}
	own := r.ownConfig()
	if e := runconfig.Environment(r.state.Environment); e != nil {
		own["e"] = map[string]any{r.writer: e}
	}
	file[ownKey] = map[string]any{"value": own}
	return file
}

// ownKey is the config key that W&B keeps its own facts under.
const ownKey = runconfig.OwnKey

// ownConfig is what stands there. The server takes a run for started once it
// has t; uploaders that derive nothing find it in the log's config.
func (r *Run) ownConfig() map[string]any {
	own := map[string]any{
		"cli_version": wandb.Version,
		"t":           runconfig.Telemetry(r.telemetry()),
		"m":           runconfig.Metrics(r.state.Metrics()),
	}
	if r.codePath != "" {
		own["code_path"] = r.codePath
	}
	return own
}
