package runapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// option is a setting that the environment or a settings file may give. Name
// is the key in files and in messages; env is the variable when it is not
// WANDB_ and the name in capitals. set is only called for fields that the
// program left zero.
type option struct {
	name, env string
	field     func(*Settings) any // pointer to the field
	set       func(*Settings, string) error
	secret    bool // errors do not repeat the value
}

// isSet says whether the field is not zero.
func (o *option) isSet(s *Settings) bool { return !reflect.ValueOf(o.field(s)).Elem().IsZero() }

// variables are the environment variables of the option, most usual first.
func (o *option) variables() []string {
	regular := "WANDB_" + strings.ToUpper(o.name)
	if o.env == "" {
		return []string{regular}
	}
	return []string{o.env, regular}
}

// options lists every setting that has a counterpart outside the program.
func options() []option {
	return slices.Concat(runOptions(), sendingOptions(), programOptions())
}

// runOptions say which run it is.
func runOptions() []option {
	return []option{
		text("project", "", func(s *Settings) *string { return &s.Project }),
		text("entity", "", func(s *Settings) *string { return &s.Entity }),
		text("run_id", "", func(s *Settings) *string { return &s.ID }),
		text("run_name", "WANDB_NAME", func(s *Settings) *string { return &s.Name }),
		text("run_notes", "WANDB_NOTES", func(s *Settings) *string { return &s.Notes }),
		text("run_group", "", func(s *Settings) *string { return &s.Group }),
		text("run_job_type", "WANDB_JOB_TYPE", func(s *Settings) *string { return &s.JobType }),
		parsed("run_tags", "WANDB_TAGS", func(s *Settings) any { return &s.Tags }, setTags),
		parsed("mode", "", func(s *Settings) any { return &s.Mode }, setMode),
		parsed("reinit", "", func(s *Settings) any { return &s.Reinit }, setReinit),
		text("root_dir", "WANDB_DIR", func(s *Settings) *string { return &s.Dir }),
		parsed("resume", "", func(s *Settings) any { return &s.Resume }, setResume),
		text("resume_from", "", func(s *Settings) *string { return &s.ResumeFrom }),
		text("fork_from", "", func(s *Settings) *string { return &s.ForkFrom }),
		parsed("config_paths", "", func(s *Settings) any { return &s.ConfigFiles }, setConfigFiles),
		flag("allow_val_change", "", func(s *Settings) *bool { return &s.AllowConfigChange }),
		flag("force", "", func(s *Settings) *bool { return &s.RequireLogin }),
		text("sweep_id", "", func(s *Settings) *string { return &s.SweepID }),
		text("sweep_param_path", "", func(s *Settings) *string { return &s.SweepParamPath }),
	}
}

// sendingOptions say how the run gets to the server.
func sendingOptions() []option {
	return []option{
		seconds("finish_timeout", func(s *Settings) *time.Duration { return &s.FinishTimeout }),
		seconds("init_timeout", func(s *Settings) *time.Duration { return &s.InitTimeout }),
		seconds("x_file_stream_transmit_interval", func(s *Settings) *time.Duration { return &s.Transmit }),
		parsed("max_log_bytes", "WANDB_AGENT_MAX_LOG_BYTES", func(s *Settings) any { return &s.MaxLogBytes }, setMaxLogBytes),
		parsed("ignore_globs", "", func(s *Settings) any { return &s.IgnoreGlobs }, setIgnoreGlobs),
		flag("insecure_disable_ssl", "", func(s *Settings) *bool { return &s.InsecureTLS }),
		{name: "x_extra_http_headers", field: func(s *Settings) any { return &s.ExtraHeaders }, set: setHeaders, secret: true},
		parsed("x_primary", "", func(s *Settings) any { return &s.Secondary }, setPrimary),
		parsed("x_update_finish_state", "", func(s *Settings) any { return &s.LeaveRunning }, setFinishState),
	}
}

// programOptions say what is measured and told of the program.
func programOptions() []option {
	return []option{
		parsed("host_sampling", "WANDB_AGENT_HOST_SAMPLING", func(s *Settings) any { return &s.HostSampling }, setHostSampling),
		text("x_label", "", func(s *Settings) *string { return &s.Label }),
		parsed("x_stats_sampling_interval", "", func(s *Settings) any { return &s.StatsInterval }, setStatsInterval),
		parsed("step_hardware", "WANDB_AGENT_STEP_HARDWARE", func(s *Settings) any { return &s.StepHardware }, setStepHardware),
		parsed("x_stats_pid", "", func(s *Settings) any { return &s.PID }, setPID),
		parsed("x_stats_disk_paths", "", func(s *Settings) any { return &s.DiskPaths }, setDiskPaths),
		flag("x_disable_stats", "", func(s *Settings) *bool { return &s.DisableStats }),
		flag("x_disable_meta", "", func(s *Settings) *bool { return &s.DisableMeta }),
		flag("x_disable_machine_info", "", func(s *Settings) *bool { return &s.DisableMachineInfo }),
		flag("disable_git", "", func(s *Settings) *bool { return &s.DisableGit }),
		parsed("console", "", func(s *Settings) any { return &s.DisableConsole }, setConsole),
		text("program", "", func(s *Settings) *string { return &s.Program }),
		parsed("args", "", func(s *Settings) any { return &s.Args }, setArgs),
		text("x_executable", "", func(s *Settings) *string { return &s.Executable }),
		text("host", "", func(s *Settings) *string { return &s.Host }),
		text("username", "", func(s *Settings) *string { return &s.Username }),
		text("email", "WANDB_USER_EMAIL", func(s *Settings) *string { return &s.Email }),
		text("docker", "", func(s *Settings) *string { return &s.Docker }),
		text("git_remote_url", "", func(s *Settings) *string { return &s.GitRemote }),
		text("git_commit", "", func(s *Settings) *string { return &s.GitCommit }),
		text("git_root", "", func(s *Settings) *string { return &s.GitRoot }),
		flag("save_code", "", func(s *Settings) *bool { return &s.SaveCode }),
		text("code_dir", "", func(s *Settings) *string { return &s.CodeDir }),
		flag("disable_code", "", func(s *Settings) *bool { return &s.DisableCode }),
	}
}

// text is an option that is taken as it is.
func text(name, env string, field func(*Settings) *string) option {
	return option{name: name, env: env,
		field: func(s *Settings) any { return field(s) },
		set:   func(s *Settings, v string) error { *field(s) = v; return nil }}
}

// parsed is an option with a form of its own.
func parsed(name, env string, field func(*Settings) any, set func(*Settings, string) error) option {
	return option{name: name, env: env, field: field, set: set}
}

// flag is true or false.
func flag(name, env string, field func(*Settings) *bool) option {
	return parsed(name, env,
		func(s *Settings) any { return field(s) },
		func(s *Settings, v string) (err error) { *field(s), err = parseBool(v); return err })
}

// seconds is a time.
func seconds(name string, field func(*Settings) *time.Duration) option {
	return parsed(name, "",
		func(s *Settings) any { return field(s) },
		func(s *Settings, v string) (err error) { *field(s), err = parseSeconds(v); return err })
}

func parseBool(v string) (bool, error) {
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, errors.New("want true or false")
	}
	return b, nil
}

var errModes = errors.New("want online, shared, offline or disabled")

func setMode(s *Settings, v string) error {
	switch m := Mode(strings.ToLower(v)); m {
	case ModeOnline, ModeShared, ModeOffline, ModeDisabled:
		s.Mode = m
	case "dryrun":
		s.Mode = ModeOffline
	case "run":
		s.Mode = ModeOnline
	default:
		return errModes
	}
	return nil
}

func setTags(s *Settings, v string) error {
	for tag := range strings.SplitSeq(v, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			s.Tags = append(s.Tags, tag)
		}
	}
	return nil
}

func setStatsInterval(s *Settings, v string) error {
	sec, err := strconv.ParseFloat(v, 64)
	if err != nil || !(sec >= minInterval.Seconds() && sec <= 86400) {
		return fmt.Errorf("want seconds between %v and 86400", minInterval.Seconds())
	}
	s.StatsInterval = time.Duration(sec * float64(time.Second))
	return nil
}

func setPID(s *Settings, v string) error {
	pid, err := strconv.Atoi(v)
	if err != nil || pid <= 0 {
		return errors.New("want a process id")
	}
	s.PID = pid
	return nil
}

func setConsole(s *Settings, v string) error {
	switch v {
	case "off":
		s.DisableConsole = true
	case "auto", "wrap", "redirect", "wrap_raw", "wrap_emu":
	default:
		return errors.New("want auto, wrap, redirect or off")
	}
	return nil
}

func setArgs(s *Settings, v string) error {
	if err := json.Unmarshal([]byte(v), &s.Args); err != nil {
		return errors.New("want a JSON list of strings")
	}
	return nil
}

func setDiskPaths(s *Settings, v string) error {
	paths := strings.Split(v, ",")
	if strings.HasPrefix(v, "[") {
		if err := json.Unmarshal([]byte(v), &paths); err != nil {
			return errors.New("want paths separated by commas, or a JSON list")
		}
	}
	for _, p := range paths {
		if !strings.HasPrefix(p, "/") {
			return fmt.Errorf("path %q is not absolute", p)
		}
	}
	s.DiskPaths = paths
	return nil
}
