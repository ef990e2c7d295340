package runapi

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/auth"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
)

// Keys of what is no option: package auth finds them.
const (
	baseURLKey = "base_url"
	apiKeyKey  = "api_key"
)

// Explained is a setting, what it is and who said so.
type Explained struct {
	Key       string   // as in settings files
	Variables []string // of the environment, most usual first
	Value     string   // in force; of a secret, a mask; "" is none, or settled by Init as Origin says
	Source    Source
	Origin    string  // where it stands, or what the default is
	Lost      []Given // what others said, in the order in which they would count
}

// Explain tells of every setting that can be given from outside the program
// what would be in force if Init got s now, who said so, and what lost against
// it. It asks no server and makes nothing. The error is that of Init for invalid
// settings; the list is complete then too.
func (s Settings) Explain() ([]Explained, error) {
	set, r, err := resolve(s)
	var all []Explained
	opts := options()
	for i := range opts {
		o := &opts[i]
		all = append(all, r.explain(o, &set))
	}
	all = append(all, r.explainServer(&s), explainKey(&set))
	mask := redact.New(set.Environ)
	for i := range all {
		all[i].mask(mask.Text)
	}
	return all, err
}

// explain tells of one option. Its value is the one in force, in its usual form.
func (r *resolver) explain(o *option, set *Settings) Explained {
	e := Explained{Key: o.name, Variables: o.variables(), Value: o.text(set)}
	e.take(r.given[o.name], defaultOf(o.name, e.Value))
	if o.secret {
		e.mask(func(string) string { return redact.Mask })
	}
	return e
}

// take sorts what was given into what counts and what lost.
func (e *Explained) take(given []Given, byDefault string) {
	rest := slices.Clone(given)
	e.Origin = byDefault
	for first := true; len(rest) > 0; first = false {
		n := precedence(rest)
		if first {
			e.Source, e.Origin = rest[n].Source, rest[n].Origin
		} else {
			e.Lost = append(e.Lost, rest[n])
		}
		rest = slices.Delete(rest, n, n+1)
	}
}

// mask changes the values that there are.
func (e *Explained) mask(masked func(string) string) {
	if e.Value != "" {
		e.Value = masked(e.Value)
	}
	for i := range e.Lost {
		e.Lost[i].Value = masked(e.Lost[i].Value)
	}
}

// explainServer tells of the server, as auth.Locate finds it.
func (r *resolver) explainServer(s *Settings) Explained {
	if s.BaseURL != "" {
		r.say(baseURLKey, Given{Source: FromProgram, Value: s.BaseURL, Origin: "the program"})
	}
	given := r.given[baseURLKey]
	e := Explained{Key: baseURLKey, Variables: []string{"WANDB_BASE_URL"}, Value: api.DefaultBaseURL}
	if n := precedence(given); n >= 0 {
		e.Value = strings.TrimRight(given[n].Value, "/")
	}
	e.take(given, "default")
	return e
}

// explainKey tells of the key, which nobody gets to see.
func explainKey(set *Settings) Explained {
	e := Explained{Key: apiKeyKey, Variables: []string{"WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"}}
	from := auth.NewSource(set.Environ, set.Dir)
	from.BaseURL, from.Key = set.BaseURL, set.APIKey
	server, err := auth.Locate(from)
	if err == nil {
		var c *auth.Credential
		if c, err = auth.Find(server, from); err == nil {
			e.Value, e.Origin = redact.Mask, c.Origin
			switch {
			case !set.APIKey.IsZero():
				e.Source = FromProgram
			case strings.HasPrefix(c.Origin, "WANDB_"):
				e.Source = FromEnvironment
			default:
				e.Source = FromGlobalFile
			}
		}
	}
	if err != nil {
		e.Origin = "none: " + firstLine(err)
	}
	return e
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// text is the value of the option's field in the form that a variable has.
func (o *option) text(s *Settings) string {
	v := reflect.ValueOf(o.field(s)).Elem()
	switch x := v.Interface().(type) {
	case bool:
		if o.name == "console" {
			return map[bool]string{true: "off", false: "auto"}[x]
		}
		return fmt.Sprint(x != (o.name == "x_primary" || o.name == "x_update_finish_state")) // fields that say the opposite
	case time.Duration:
		if x == 0 {
			return ""
		}
		return fmt.Sprint(x.Seconds())
	case []string:
		return strings.Join(x, ",")
	case map[string]string:
		if len(x) == 0 {
			return ""
		}
		return redact.Mask
	case int:
		if x == os.Getpid() {
			return ""
		}
		return fmt.Sprint(x)
	default:
		return fmt.Sprint(x)
	}
}

// defaultOf says what an option is that nobody gave.
func defaultOf(name, value string) string {
	settled := map[string]string{
		"project": "the git repository's name, else " + defaultProject, "entity": "the server's default",
		"run_id": "8 random characters", "run_name": "the server invents one", "root_dir": "the working directory",
		"x_file_stream_transmit_interval": "15", "x_stats_pid": "this process", "x_label": "rank-N for one of several ranks",
	}
	if value == "" && settled[name] != "" {
		return "default: " + settled[name]
	}
	return "default"
}

// ErrSetting is returned for a name that no setting has.
var ErrSetting = errors.New("no such setting")

// FindSetting returns the setting of a list of Explain that name means: a key, a
// variable (WANDB_NAME), or a key without its prefix (name, label).
func FindSetting(all []Explained, name string) (Explained, error) {
	for _, e := range all {
		if slices.Contains(e.Variables, name) {
			return e, nil
		}
	}
	key := strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	for _, prefix := range []string{"", "run_", "x_", "root_", "x_stats_"} {
		for _, e := range all {
			if e.Key == prefix+key {
				return e, nil
			}
		}
	}
	return Explained{}, fmt.Errorf("setting %q: %w", name, ErrSetting)
}
