package runapi

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"
)

// noEffect are variables of the official client that change nothing here but
// whose authors would expect them to.
var noEffect = map[string]string{
	"WANDB_SAVE_CODE":         "code is not saved by this version",
	"WANDB_NOTEBOOK_NAME":     "a Go program is no notebook",
	"WANDB_START_METHOD":      "there is no service process to start",
	"WANDB_ANONYMOUS":         "anonymous runs are not supported",
	"WANDB_X_STATS_NO_CGROUP": "limits of the cgroup always count",
}

// elsewhere are variables that other parts use (the uploader, artifact
// commands, the official client beside us): silence is right. A name that
// ends in _ stands for all that begin with it.
var elsewhere = []string{
	"WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_APP_URL", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR",
	"WANDB_ARTIFACT_", "WANDB_CREDENTIALS_FILE", "WANDB_IDENTITY_TOKEN_FILE",
	"WANDB_HTTP_", "WANDB_HTTPS_PROXY", "WANDB_FILE_PUSHER_TIMEOUT",
	"WANDB_HEARTBEAT_SECONDS", "WANDB_SILENT", "WANDB_QUIET", "WANDB_DEBUG", "WANDB_ERROR_REPORTING", "WANDB_SERVICE",
	"WANDB_DISABLED", "WANDB_DISABLE_CODE", "WANDB_ORGANIZATION", "WANDB_CONSOLE_", "WANDB_X_FILE_", "WANDB_X_GRAPHQL_",
	"WANDB_X_STATS_", "WANDB_AGENT_",
}

// forClientVariable lists the entries that an exec around us has made for the
// official client.
const forClientVariable = "WANDB_AGENT_FOR_CLIENT"

// environMap indexes an os.Environ list; as in the C library the first of two
// equal names counts. WANDB__FOO is another spelling of WANDB_X_FOO.
func environMap(environ []string) map[string]string {
	m := make(map[string]string)
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if !ok {
			continue
		}
		if foo, ok := strings.CutPrefix(name, "WANDB__"); ok {
			name = "WANDB_X_" + foo
		}
		if _, dup := m[name]; !dup {
			m[name] = value
		}
	}
	for name := range strings.SplitSeq(m[forClientVariable], ",") { // exec said it to another client, not to us
		delete(m, name)
	}
	return m
}

// fromEnviron finds the options' variables and warns about WANDB_ variables
// that have no effect.
func (r *resolver) fromEnviron(opts []option) {
	known := make(map[string]bool)
	for i := range opts {
		for _, name := range opts[i].variables() {
			known[name] = true
			r.say(opts[i].name, Given{Source: FromEnvironment, Value: r.env[name], Origin: name})
		}
	}
	r.say(baseURLKey, Given{Source: FromEnvironment, Value: r.env["WANDB_BASE_URL"], Origin: "WANDB_BASE_URL"})
	for name, value := range r.env {
		if value != "" && strings.HasPrefix(name, "WANDB_") && !known[name] {
			r.unused(name)
		}
	}
	sort.Strings(r.warnings)
}

func (r *resolver) unused(name string) {
	if why, ok := noEffect[name]; ok {
		r.warnings = append(r.warnings, fmt.Sprintf("%s: %s", name, why))
		return
	}
	for _, e := range elsewhere {
		if name == e || strings.HasSuffix(e, "_") && strings.HasPrefix(name, e) {
			return
		}
	}
	r.warnings = append(r.warnings, name+": no such setting")
}

// globalFile is the path of the user's settings file, "" when there can be none.
func (r *resolver) globalFile() string {
	dir := r.env["WANDB_CONFIG_DIR"]
	if dir == "" && r.env["HOME"] != "" {
		dir = filepath.Join(r.env["HOME"], ".config", "wandb")
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "settings")
}
