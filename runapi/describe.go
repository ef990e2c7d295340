package runapi

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// describeProgram writes what is known of the program at once: the first part
// of the environment record. The machine follows from the agent.
func (r *Run) describeProgram(git *gitInfo) error {
	if r.set.DisableMeta {
		return nil
	}
	program, args := r.commandLine()
	env := &wandbpb.EnvironmentRecord{
		StartedAt:  timestamppb.New(r.clock.Wall(r.start)),
		Program:    program,
		Args:       args,
		Executable: r.mask.Text(r.executable()),
		Docker:     r.mask.Text(r.set.Docker),
		Username:   r.userName(),
		Email:      r.set.Email,
		Host:       r.hostName(),
		Root:       r.root(),
		WriterId:   r.writer,
		Slurm:      r.slurm(),
		Launcher:   r.launcher(),
	}
	if git != nil {
		env.Git = r.gitRecord(git)
	}
	return r.storeEnvironment(env)
}

// storeEnvironment appends a part of the environment record and renews
// wandb-metadata.json. Called with mu held.
func (r *Run) storeEnvironment(env *wandbpb.EnvironmentRecord) error {
	clean(env)
	first := r.state.Environment == nil
	if err := r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Environment{Environment: env}}); err != nil {
		return err
	}
	if err := r.writeMetadata(); err != nil {
		r.set.Logger.Warn("metadata file not written", "run", r.set.ID, "error", err)
		return nil
	}
	if !first {
		return nil
	}
	return r.announce(wandbpb.FilesItem_NOW, metadataFile)
}

// clean makes all texts of env valid UTF-8, which protobuf demands.
func clean(env *wandbpb.EnvironmentRecord) {
	for _, s := range []*string{&env.Program, &env.Executable, &env.Docker, &env.Username, &env.Email, &env.Host, &env.Root, &env.Os} {
		*s = strings.ToValidUTF8(*s, "\ufffd")
	}
	for i, a := range env.Args {
		env.Args[i] = strings.ToValidUTF8(a, "\ufffd")
	}
}

// commandLine returns program and arguments with secrets masked.
func (r *Run) commandLine() (string, []string) {
	program, args := r.set.Program, r.set.Args
	if program == "" && len(os.Args) > 0 {
		program = os.Args[0]
	}
	if args == nil && len(os.Args) > 1 {
		args = os.Args[1:]
	}
	return r.mask.Text(program), r.mask.Args(slices.Clone(args))
}

func (r *Run) executable() string {
	if r.set.Executable != "" {
		return r.set.Executable
	}
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return path
}

func (r *Run) hostName() string {
	if r.set.Host != "" {
		return r.set.Host
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

func (r *Run) userName() string {
	if r.set.Username != "" {
		return r.set.Username
	}
	env := environMap(r.set.Environ)
	if env["USER"] != "" {
		return env["USER"]
	}
	return env["LOGNAME"]
}

func (r *Run) root() string {
	if r.set.GitRoot != "" {
		return r.set.GitRoot
	}
	dir, err := filepath.Abs(r.set.Dir)
	if err != nil {
		return ""
	}
	return dir
}

// slurm returns the scheduler's variables, SLURM_X as x.
func (r *Run) slurm() map[string]string {
	var m map[string]string
	for name, value := range environMap(r.set.Environ) {
		if x, ok := strings.CutPrefix(name, "SLURM_"); ok && x != "" {
			if m == nil {
				m = make(map[string]string)
			}
			masked := r.mask.Text(name + "=" + value)
			m[strings.ToLower(strings.ToValidUTF8(x, "\ufffd"))] = strings.ToValidUTF8(strings.TrimPrefix(masked, name+"="), "\ufffd")
		}
	}
	return m
}

// telemetry says which client wrote the run and what it used.
func (r *Run) telemetry() *wandbpb.TelemetryRecord {
	f := proto.Clone(&r.features).(*wandbpb.Feature)
	f.Offline = true
	f.SetInitName = r.set.Name != ""
	f.SetInitTags = len(r.set.Tags) > 0
	f.UserProvidedLabel = r.set.Label != ""
	return &wandbpb.TelemetryRecord{
		CliVersion:  wandb.Version,
		CoreVersion: wandb.Version,
		Platform:    runtime.GOOS + "-" + machine(),
		Feature:     f,
	}
}

// machine is the processor architecture in the spelling of uname -m.
func machine() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64"
	case "arm64":
		if runtime.GOOS == "linux" {
			return "aarch64"
		}
	case "386":
		return "i686"
	}
	return runtime.GOARCH
}

// gitRecord is what may be stored about the repository.
func (r *Run) gitRecord(git *gitInfo) *wandbpb.GitRepoRecord {
	if git.Remote == "" && git.Commit == "" {
		return nil
	}
	return &wandbpb.GitRepoRecord{
		RemoteUrl: strings.ToValidUTF8(r.mask.URL(git.Remote), "\ufffd"),
		Commit:    git.Commit,
	}
}

// gitJob is a probe of the repository that may take longer than Init waits.
type gitJob struct{ done chan gitInfo }

// startGit begins to look for the repository; nil when nothing is to be found.
func startGit(s *Settings) *gitJob {
	if s.DisableGit {
		return nil
	}
	j := &gitJob{make(chan gitInfo, 1)}
	dir, remote, commit := s.GitRoot, s.GitRemote, s.GitCommit
	if dir == "" {
		dir = "."
	}
	go func() { // ends when the files are read
		info := gitProbe(dir)
		if info.Root == "" {
			info = fromBuild()
		}
		if remote != "" {
			info.Remote = remote
		}
		if commit != "" {
			info.Commit = commit
		}
		j.done <- info
	}()
	return j
}

// fromBuild is the commit that the go command stamped into the binary.
func fromBuild() (info gitInfo) {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	for _, s := range build.Settings {
		if s.Key == "vcs.revision" {
			info.Commit = commitID(s.Value)
		}
	}
	return info
}

// wait returns the answer, or nil when it did not come within d.
func (j *gitJob) wait(ctx context.Context, d time.Duration) *gitInfo {
	if j == nil {
		return &gitInfo{}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case info := <-j.done:
		return &info
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

// lateGit adds the repository to the run when Init did not wait for it.
func (r *Run) lateGit(j *gitJob) {
	var info gitInfo
	select {
	case info = <-j.done:
	case <-r.stop:
		return
	}
	git := r.gitRecord(&info)
	if git == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return
	}
	named := proto.Clone(r.state.Run).(*wandbpb.RunRecord)
	named.Git = git
	err := r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: named}})
	if err == nil && !r.set.DisableMeta {
		err = r.storeEnvironment(&wandbpb.EnvironmentRecord{Git: git})
	}
	if err != nil {
		r.set.Logger.Warn("git facts not stored", "run", r.set.ID, "error", err)
	}
}
