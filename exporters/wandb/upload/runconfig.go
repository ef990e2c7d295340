package upload

import "github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"

// wireConfig is the config as the server wants it: every key as {value: ...},
// and the block _wandb (see wandb/wandb core/internal/runconfig). Called with
// the feed locked.
func (f *feed) wireConfig(pos *position) map[string]any {
	out := map[string]any{}
	own := map[string]any{}
	for key, value := range f.state.Config() {
		if key == runconfig.OwnKey {
			if m, ok := value.(map[string]any); ok {
				for k, v := range m {
					own[k] = v
				}
			}
			continue
		}
		out[key] = map[string]any{"value": value}
	}
	pos.Inherited.config(out, own)
	f.ownConfig(own, pos)
	out[runconfig.OwnKey] = map[string]any{"value": own}
	return out
}

// ownConfig fills in what is derived from records.
func (f *feed) ownConfig(own map[string]any, pos *position) {
	t := f.state.Telemetry
	if v := t.GetCliVersion(); v != "" {
		own["cli_version"] = v
	}
	if v := t.GetPythonVersion(); v != "" {
		own["python_version"] = v
	}
	own["t"] = runconfig.Telemetry(t)
	own["m"] = runconfig.Metrics(f.state.Metrics())
	if e := runconfig.Environment(f.state.Environment); e != nil {
		own["e"] = map[string]any{pos.Writer: e}
	}
	if b := f.state.Run.GetBranchPoint(); b != nil && b.GetRun() != "" {
		own["branch_point"] = map[string]any{"run_id": b.GetRun(), "step": b.GetValue()}
	}
}
