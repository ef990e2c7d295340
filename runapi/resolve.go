package runapi

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/rank"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// Defaults and bounds of settings.
const (
	defaultSampleInterval = time.Second
	defaultStatsInterval  = 5 * time.Second
	minInterval           = 100 * time.Millisecond
	defaultFinishTimeout  = time.Minute
	defaultInitTimeout    = 90 * time.Second
	defaultProject        = "uncategorized"
)

// resolver carries what is found on the way from Settings to effective ones.
type resolver struct {
	env      map[string]string
	warnings []string
	errs     []error
	given    map[string][]Given // by option: everything that was said, by sources as they were loaded
}

// environ is the environment that a program gave, else that of the process.
func environ(given []string) []string {
	if given == nil {
		return os.Environ()
	}
	return given
}

// resolve fills the zero fields of s from the environment, the settings files
// and defaults, and checks everything. Warnings name what was ignored.
func resolve(s Settings) (Settings, *resolver, error) {
	s.Environ = environ(s.Environ)
	r := &resolver{env: environMap(s.Environ), given: map[string][]Given{}}
	opts := options()
	for i := range opts {
		if o := &opts[i]; o.isSet(&s) {
			r.say(o.name, Given{Source: FromProgram, Value: o.text(&s), Origin: "the program"})
		}
	}
	r.fromEnviron(opts)
	r.disabledByEnv()
	dir := r.given["root_dir"]
	if n := precedence(dir); n >= 0 && s.Dir == "" {
		s.Dir = dir[n].Value
	}
	r.fromFile(FromWorkspaceFile, filepath.Join(existingWandbDir(s.Dir), "settings"), opts)
	r.fromFile(FromGlobalFile, r.globalFile(), opts)
	for i := range opts {
		r.apply(&s, &opts[i])
	}
	fillDefaults(&s)
	r.placeAmongRanks(&s)
	r.check(&s)
	r.checkBranch(&s)
	if err := errors.Join(r.errs...); err != nil {
		return s, r, &InitError{"settings", err}
	}
	return s, r, nil
}

// say notes what a source gives an option; nothing is not given.
func (r *resolver) say(name string, g Given) {
	if g.Value != "" || g.Source == FromProgram {
		r.given[name] = append(r.given[name], g)
	}
}

// apply gives one field the value that counts.
func (r *resolver) apply(s *Settings, o *option) {
	all := r.given[o.name]
	n := precedence(all)
	if n < 0 || all[n].Source == FromProgram {
		return
	}
	g := all[n]
	if err := o.set(s, g.Value); err != nil {
		if o.secret {
			g.Value = redact.Mask
		}
		r.errs = append(r.errs, fmt.Errorf("%s=%q: %w", g.Origin, g.Value, err))
	}
}

// disabledByEnv honours WANDB_DISABLED, which older programs set: whoever runs a
// program that asks for a mode must be able to say it.
func (r *resolver) disabledByEnv() {
	v := r.env["WANDB_DISABLED"]
	if v == "" {
		return
	}
	off, err := parseBool(v)
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("WANDB_DISABLED=%q: %w", v, err))
	}
	if off {
		r.say("mode", Given{Source: FromEnvironment, Value: string(ModeDisabled), Origin: "WANDB_DISABLED", Override: true})
	}
}

func fillDefaults(s *Settings) {
	if s.Mode == "" {
		s.Mode = ModeOnline
	}
	if s.SampleInterval == 0 {
		s.SampleInterval = defaultSampleInterval
	}
	if s.StatsInterval == 0 {
		s.StatsInterval = max(defaultStatsInterval, s.SampleInterval)
	}
	if s.PID == 0 {
		s.PID = os.Getpid()
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.DisableMachineInfo {
		s.DisableStats, s.DisableMeta = true, true
	}
	if s.FinishTimeout == 0 {
		s.FinishTimeout = defaultFinishTimeout
	}
	if s.InitTimeout <= 0 {
		s.InitTimeout = defaultInitTimeout
	}
	if s.HostSampling == "" {
		s.HostSampling = HostOnce
	}
	if s.Reinit == "" {
		s.Reinit = ReinitNew
	}
}

// placeAmongRanks settles what differs between the ranks of one run.
func (r *resolver) placeAmongRanks(s *Settings) {
	p, ok := rank.Of(r.env)
	if !ok {
		return
	}
	s.rank = p.Rank
	if s.Label == "" {
		s.Label = p.Label()
	}
	if s.Mode == ModeShared && p.Rank > 0 && r.env["WANDB_X_PRIMARY"] == "" {
		s.Secondary = true
	}
	s.noHost = s.HostSampling == HostOnce && p.Local > 0
}

// check reports everything that is wrong, whoever said it.
func (r *resolver) check(s *Settings) {
	bad := func(format string, args ...any) { r.errs = append(r.errs, fmt.Errorf(format, args...)) }
	if s.ID != "" {
		if err := runlog.CheckID(s.ID); err != nil {
			bad("%w", err)
		}
	}
	if n := len(s.Project); n > 128 || strings.ContainsAny(s.Project, "/\\#?%:\r\n") {
		bad("project %.140q: want 1-128 characters, none of / \\ # ? %% :", s.Project)
	}
	switch s.Mode {
	case ModeOnline, ModeShared, ModeOffline, ModeDisabled:
	default:
		bad("mode %q: %w", s.Mode, errModes)
	}
	for _, tag := range s.Tags {
		if err := checkTag(tag); err != nil {
			r.errs = append(r.errs, err)
		}
	}
	if s.SampleInterval < minInterval {
		bad("sample interval %v: want at least %v", s.SampleInterval, minInterval)
	}
	if s.StatsInterval < minInterval {
		bad("stats interval %v: want at least %v", s.StatsInterval, minInterval)
	}
	if s.Transmit != 0 && s.Transmit < minInterval {
		bad("transmit interval %v: want at least %v", s.Transmit, minInterval)
	}
	switch s.HostSampling {
	case HostOnce, HostAlways, HostNever:
	default:
		bad("host sampling %q: want once, always or never", s.HostSampling)
	}
	if len(s.ConfigInclude) > 0 && len(s.ConfigExclude) > 0 {
		r.errs = append(r.errs, ErrIncludeAndExclude)
	}
	switch s.Reinit {
	case ReinitNew, ReinitReturn, ReinitFinish, ReinitForbid:
	default:
		bad("reinit %q: %w", s.Reinit, errReinit)
	}
	if s.SweepParamPath != "" && s.SweepID == "" {
		bad("%w", errSweep)
	}
	if s.MaxLogBytes != 0 && s.MaxLogBytes < minLogBytes {
		bad("max log bytes %d: %w", s.MaxLogBytes, errMaxLogBytes)
	}
	if err := checkStepHardware(s.StepHardware); err != nil {
		bad("step hardware %q: %w", s.StepHardware, err)
	}
	if s.PID < 0 {
		bad("pid %d: want a process id", s.PID)
	}
}

// warn tells the logger what was ignored, with secrets masked.
func (r *resolver) warn(log *slog.Logger, mask *redact.Redactor) {
	for _, w := range r.warnings {
		log.Warn("setting ignored", "reason", mask.Text(w))
	}
}

// existingWandbDir is where the workspace settings file of root is looked for.
func existingWandbDir(root string) string {
	dot := filepath.Join(root, ".wandb")
	if st, err := os.Stat(dot); err == nil && st.IsDir() {
		return dot
	}
	return filepath.Join(root, "wandb")
}
