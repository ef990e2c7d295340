// Package runapi makes a program's own numbers a W&B run, with the numbers of
// the hardware under it on the same timeline.
//
//	run, err := runapi.Init(ctx, runapi.Settings{Project: "mnist", Config: cfg})
//	if err != nil {
//	    return err
//	}
//	defer run.Close()
//	for step := range steps {
//	    ...
//	    run.Log(map[string]any{"loss": loss, "val": map[string]any{"acc": acc}})
//	    run.Summary().SetMax("best_acc", acc)
//	}
//
// That is all there is to do; Close says success, so a program that may fail uses
// Do, or Finish with its exit code. The run is in a directory below wandb, where
// wandb-agent show prints it, and, when there is a key for a W&B server (Login,
// wandb-agent login), at Run.URL while it goes on. The zero Settings work; without
// a key the run is kept for wandb-agent sync.
//
// # The life of a run
//
// Init makes a run; Finish, or a deferred Close, ends it with an exit code and
// brings the rest to the server. Do does both around a function, which makes an
// error or a panic a failed run:
//
//	err := runapi.Do(ctx, runapi.Settings{Project: "mnist"}, func(ctx context.Context, run *runapi.Run) error {
//	    return train(ctx, run)   // ctx ends when somebody stops the run on the server
//	})
//
// Every Init makes a run of its own, and several may go on at once;
// Settings.Reinit returns or finishes those before, or forbids a second. Active is
// the newest, for code that was not handed one. Go has no exit hook: what a
// program that dies has logged is kept, but the run has no end unless exec is
// around it or Settings.HandleSignals saw the signal. Signals are otherwise the
// program's own.
//
// Detach leaves a run open on disk, and Reattach goes on with it, in the same or
// another process.
//
// StopRequested and Context tell of stop requests, Status of what is where,
// MarkPreempting the server of a machine that may go. SetName, SetNotes, AddTags
// and the like change at any time what the run is called. Settings with Mode
// disabled turn all of it into nothing, at no cost.
//
// Errors of Init are *InitError; ErrNotLoggedIn, ErrRunExists, ErrNoSuchRun,
// ErrRunActive and whatever else a caller may want to tell apart are found by
// errors.Is, a *ValueError and an *UnsentError by errors.As.
//
// # Steps
//
// A run counts steps from 0. A row belongs to one step:
//
//	Log(m)                        adds m to the current step, stores the step, step + 1
//	Log(m, NoCommit())            adds m to the current step only
//	Log(m, AtStep(n)), n > step   stores the current step if it holds anything, goes to n, adds m
//	Log(m, AtStep(n)), n = step   adds m to the current step only
//	Log(m, AtStep(n), Commit())   as above, then stores step n, step + 1
//	Log(m, AtStep(n)), n < step   nothing is stored: an error that is ErrStepBack, counted in Counters.Refused
//	  with Settings.KeepLate      a row of its own at the next free step, with _late_step n: Counters.Moved
//	Finish                        stores the current step if it holds anything
//
// The later of two values for one key in one step wins. Parts of a step that
// is still open are as safe against a crash as whole rows. So a step that is
// repeated before the next begins is one row, and one that comes later is refused:
// W&B keeps one row for each step, and a row at another step than was meant is as
// wrong as one that is missing, but harder to see. KeepLate is for those whose rows
// come out of order and who plot them against a metric of their own.
//
// # Keys and values
//
// Keys are text; dots and slashes in them are part of the name (W&B shows the
// part before the last slash as a section). A nested map[string]any or struct
// becomes nested keys. Empty keys and keys longer than MaxKeyBytes are refused.
// Keys that start with _ are W&B's: _timestamp (Unix seconds) may be given,
// _step, _runtime and _wandb are refused, others are stored but match no glob.
//
// Values are nil, bool, text, every integer and float type, NaN and the
// infinities (stored as NaN, Infinity, -Infinity), integers beyond 2^53 exactly,
// time.Duration as seconds, time.Time as RFC 3339 text, slices, arrays, maps
// with text or integer keys, structs by their json tags, json.Marshaler and
// encoding.TextMarshaler (fmt.Stringer is not asked: many types print more than
// their value). Bytes that are not UTF-8 become U+FFFD. A value that has no
// JSON form (a func, a channel, a cycle) makes a *ValueError that names key and
// type; then nothing of that row is stored and Counters.Refused grows.
//
// A slice is a list, however long it is, up to MaxRowBytes; W&B draws no lists.
// What a chart is to be made of is a media.Tensor (a histogram and statistics, and
// with Summary.SetTensor all numbers in a file) or a media.Histogram.
//
// # Media
//
// Tables, charts, images, histograms and other values that are more than JSON
// (type Media; package runapi/media and those below it) go where values go: Log,
// alone, in a list or nested in maps, and Summary.Set. Their files are in the run
// directory when Log returns and are sent with the run.
//
// # The typed path
//
// Keys resolved once and a row that is reused cost no allocation:
//
//	loss, acc := run.Key("loss"), run.Key("val", "acc")
//	row := run.Row()
//	for ... {
//	    row.Float(loss, l)
//	    row.Float(acc, a)
//	    err := run.LogRow(&row)   // empties the row
//	}
//
// # Hardware per step
//
// With Settings.StepHardware each stored step tells what the hardware did since
// the step before: hardware/<name>.mean and .max of the system metrics that are named
// (hardware/<name>.increase of those that count up), hardware/joules of the GPUs,
// hardware/cpu_seconds of this process, all threads, without its children. A
// step that is left open ends with the last call that adds to it.
//
// CPU seconds are read when the step ends and are exact for the shortest step. The
// others are integrated between samples (SampleInterval): a step shorter than
// that has the value of its time, and at both ends of a longer one as much as
// changes within one interval may be missing or too much. Sums over many steps do
// not drift: what a later sample corrects is made up for in the steps of the
// next interval. What was not measured, such as joules without a GPU, is left out.
// Inside exec, which measures the hardware there, only CPU seconds are told.
// A row costs 0.7 µs more.
//
// # Runs that never end
//
// The log of a run grows with every row. A program that serves for months sets
// Settings.MaxLogBytes: when the log is that large, what the server has
// acknowledged is taken off it, and Log goes on. Where that does not make enough
// room (the run is kept, or the server is gone), the oldest rows, samples and
// console lines go too: Counters.Trimmed counts the rows, and the first loss is
// logged as an error. Config, summary, metrics, files, alerts and the newest rows
// stay; steps go on; sync sends what is left. Choose some hours of rows, tens of
// megabytes.
//
// The log and output.log are at most an eighth larger than that each. For a moment, while
// the log is copied, its directory has up to twice as much, and a third copy as
// long as the upload has not come to the end of the one before. Log waits
// for the copy: about 5 ms per MB of the bound. Nothing is taken off on file systems that
// may stall (NFS), nor off the logs of programs inside exec: a warning says so.
// Minima, maxima and means of DefineMetric are those of the whole run as long as
// the process lives; after a crash they begin with the rows that are left.
//
// # Config, summary, metrics
//
// Config holds what does not change (hyperparameters): of the file
// config-defaults.yaml in the working directory, of Settings.ConfigFiles, of
// Settings.Config, which takes maps, structs, flags (FlagConfig) and what NewConfig
// made, of a sweep; each goes over the one before. Changing a value that is
// set is ErrConfigLocked unless AllowChange is given; maps merge key by key.
// Text under a name that says it is a secret (api_key, password) is stored as
// ***; other config, rows and summary are the user's data and stored as given,
// except that the values of secret environment variables never reach config.
//
// Summary holds one value per key: the last one logged, or what DefineMetric
// asks for (min, max, mean, best, first, last, percentiles), or what
// Summary().Set put there last, or what Pin, SetMax or SetMin keep there whatever
// is logged. It is written at most once a second and rebuilt
// from the rows after a crash: the same rows give the same summary live, after
// that, and when they are sent later.
//
// DefineMetric says what to plot a metric against and how to summarise it.
// Its name may end in * to define all metrics with that prefix.
//
// # Files
//
// All below the run directory (0700, files 0600): files/config.yaml,
// files/wandb-summary.json, files/wandb-metadata.json, files/output.log, and
// files/go-modules.txt with what the program was built of. The
// console is recorded only as far as the program writes to ConsoleWriter;
// lines are stored whole, with secrets masked (package redact).
//
// Save puts files of the program there, by glob patterns; what the program itself
// writes below FilesDir is sent when the run ends.
//
//	files, err := run.Save("ckpt/*.pt", runapi.SaveOptions{Policy: runapi.SaveEnd})
//
// LogCode stores the sources that git tracks as an artifact of type code, which
// servers show as the code of the run. Settings.SaveCode stores what was changed
// since the commit: diff.patch, for git apply, and git-state.json with branch and
// changed files. No git is started for any of this.
//
// Restore, of a run or without one, fetches a file of any run; RestoreCode tells
// in which state a run's code was.
//
// # Watched values
//
// Watch logs a histogram of gradients or parameters with every n-th step, from a
// function of the program that is called inside Log; WatchMedia logs files that
// appear, such as videos of episodes.
//
//	w, err := runapi.Watch(run, "layer1", func() []float32 { return layer1.Grad }, runapi.WatchOptions{Every: 100})
//
// # Artifacts and models
//
// Versions are built in runapi/artifact and logged, or made of a path at once:
//
//	logged, err := run.LogArtifactPath(ctx, "images", runapi.PathOptions{Name: "birds", Type: "dataset"})
//	logged, err := run.LogModel(ctx, "ckpt/best.pt", runapi.ModelOptions{Name: "net", Aliases: []string{"best"}})
//	used, err := run.UseArtifact(ctx, "birds:v3", runapi.UseOptions{})
//	dir, err := used.Download(ctx, "", artifact.DownloadOptions{})
//
// Logging returns as soon as the version is in the run's log and its files are
// safe from change; LoggedArtifact.Wait waits for the server. UpsertArtifact and
// FinishArtifact make one version of what several jobs add; LinkArtifact and
// LinkModel show a version in another collection. Names that a server keeps for
// itself or cannot have are ErrBadName.
//
// # Reading and changing runs
//
// Run.History reads the rows of a run while it goes on, Open those of one that is
// over or of another process, one at a time: no run is too long for it. Edit
// changes names, config and summary of a run that is over, and the next
// wandb-agent sync brings that to the server.
//
//	run, err := runapi.Open(ctx, "wandb/latest-run")
//	if err != nil { ... }
//	for row, err := range run.History(ctx, "loss") { ... }
//	err = run.Edit(ctx, runapi.Changes{Summary: map[string]any{"test_acc": acc}})
//
// # Promises
//
//   - When Log returns nil the row is in the kernel: no crash of this process
//     loses it. Power failure loses at most a second.
//   - On a network file system that stalls, Log returns after a quarter of a
//     second at most, and at once after that; on a local one, the first calls to
//     meet the stall are held as long as the kernel holds a write. A full disk
//     holds nobody. Either way Counters.Pending says how many records are not
//     yet on disk, they are written in order when it answers, and refused with
//     an error when 64 MiB wait.
//   - Log never waits for a network: it does not know of one. Init does only
//     when a resumed run has to ask something, and not for long.
//   - What the server has not acknowledged stays in the directory: after a crash,
//     an outage or a deadline, wandb-agent sync goes on where sending stopped.
//     Nothing is sent twice under another number.
//   - Finish sends what is left for at most FinishTimeout, 5 s when the server
//     never answered, and less when the context of FinishContext ends. What
//     remains is an error that is ErrUnsent, with counts.
//   - Without a key an online run is kept: Run.Notice says so, and Finish is
//     ErrUnsent. In ModeOffline, where that was asked for, Finish returns nil.
//   - Nothing here panics, prints, ends the process or reads the environment
//     beyond Settings.Environ. Messages go to Settings.Logger.
//   - Every method may be called from any goroutine, on a nil *Run and on a
//     disabled run, where it does nothing and returns nil. After Finish,
//     methods that store something return ErrFinished.
//
// # The path of a row
//
//	Log, LogRow ─▶ step rules ─▶ history record ─▶ write(2) to the run's log ─▶ Log returns
//	                  │                 └─▶ ring, row lane ─▶ Settings.Outputs
//	                  └─ NoCommit, AtStep: part ─▶ write(2) to run-<id>.open ─▶ Log returns
//	hardware: collectors ─▶ ring ─▶ exporters/wandb ─▶ stats records in the same log
//
//	online:   the same log ─▶ uploader ─▶ server, with a place in the log as its memory
//
// The log is the W&B transaction log <dir>/wandb/offline-run-<time>-<id>/run-<id>.wandb;
// the directory of a run that is sent while it goes on is called run-<time>-<id>.
//
// # Where settings come from
//
// Highest first: the Settings struct, WANDB_* variables of Settings.Environ,
// the file settings in the wandb directory, the file ~/.config/wandb/settings,
// defaults. An invalid value is an error of Init that names the variable or the
// file and line; a variable that has no effect here is a logged warning.
// Settings.Explain, and the command wandb-agent config explain, say who gave a value
// and what lost against it; WANDB_DISABLED=true beats every mode.
//
//	WANDB_MODE           online, shared, offline, disabled (dryrun is offline, run is online); WANDB_DISABLED=true
//	WANDB_PROJECT        WANDB_ENTITY WANDB_RUN_ID WANDB_NAME WANDB_NOTES WANDB_TAGS (commas)
//	WANDB_RUN_GROUP      WANDB_JOB_TYPE WANDB_DIR WANDB_CONFIG_DIR WANDB_CONSOLE (off)
//	WANDB_RESUME         must, allow, never, auto; WANDB_RESUME_FROM, WANDB_FORK_FROM (ID?_step=N)
//	WANDB_SWEEP_ID       WANDB_SWEEP_PARAM_PATH (YAML)
//	WANDB_CONFIG_PATHS   (commas, YAML or JSON files), WANDB_ALLOW_VAL_CHANGE (true)
//	WANDB_REINIT         create_new, return_previous, finish_previous, forbid; WANDB_FORCE (true)
//	WANDB_BASE_URL       WANDB_API_KEY WANDB_IDENTITY_TOKEN_FILE NETRC and what else package
//	                     exporters/wandb/auth takes to find the server, the key and the way there
//	WANDB_FINISH_TIMEOUT WANDB_INIT_TIMEOUT (seconds, 0 is as long as it takes)
//	WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL (seconds) WANDB_IGNORE_GLOBS (commas)
//	WANDB_INSECURE_DISABLE_SSL WANDB_X_EXTRA_HTTP_HEADERS (JSON object)
//	WANDB_X_PRIMARY      false: config, summary, metadata and end of the run are another writer's
//	WANDB_X_UPDATE_FINISH_STATE false: Finish leaves the run running on the server
//	WANDB_AGENT_HOST_SAMPLING once, always, never
//	WANDB_AGENT_MAX_LOG_BYTES bytes, at least 65536
//	WANDB_AGENT_STEP_HARDWARE names of system metrics (commas), or default
//	WANDB_X_LABEL        label of this writer's system metrics
//	WANDB_X_DISABLE_STATS WANDB_X_DISABLE_META WANDB_X_DISABLE_MACHINE_INFO
//	WANDB_X_STATS_SAMPLING_INTERVAL (seconds between stats records) WANDB_X_STATS_PID
//	WANDB_X_STATS_DISK_PATHS (commas, or a JSON list)
//	WANDB_DISABLE_GIT    WANDB_GIT_REMOTE_URL WANDB_GIT_COMMIT WANDB_GIT_ROOT
//	WANDB_SAVE_CODE      WANDB_CODE_DIR WANDB_DISABLE_CODE
//	WANDB_HOST           WANDB_USERNAME WANDB_USER_EMAIL WANDB_DOCKER
//	WANDB_PROGRAM        WANDB_ARGS (JSON list) WANDB_X_EXECUTABLE
//
// # Resume, sweeps
//
// A resumed run goes on with the step behind the last one that the server has,
// as StartingStep says: steps below it are ErrStepBack. Offline nobody can be asked: steps
// count from 0 in the program, and from the right one when the run is sent. The
// same holds inside exec, and when the server did not answer in time and the mode
// allows to go on. Values that a sweep chose win over Settings.Config and are ErrConfigLocked
// for everybody after that, AllowChange or not.
//
// # Several processes of one run
//
// Each process that adds to a run keeps a log of its own. One of several ranks
// (RANK of torchrun, SLURM_PROCID, Open MPI, PMI; see package
// exporters/wandb/rank) is labelled rank-N by default: in its hardware metrics
// and console lines. Of the ranks on a machine only local rank 0 measures the
// machine, unless HostSampling says otherwise; each measures its own process tree.
// Offline, directories with the same run id are joined when they are sent.
// Online, several processes need ModeShared and one id; ranks above 0 are then
// secondary unless WANDB_X_PRIMARY says otherwise.
//
// A program that wandb-agent exec started joins exec's run (RunDirVariable):
// rows, config, summary, names, files, alerts and artifacts are the program's;
// console, hardware, exit status and sending are exec's. DefineMetric and steps
// work as ever. Any number of programs and workers may do so at a time, each with
// steps of its own; a label (Settings.Label, RANK) tells their rows apart.
//
// The packages of the first Python interpreter among the processes that are followed
// are read from its site directories, without running anything, and stored as
// requirements.txt at Finish, unless the official client in it does that.
//
// With Settings.FollowClient the run goes with the official Python client in the
// processes that it follows: the first run that the client makes is the run of
// both, this one adds what it measures, and the client's rows go to Settings.Outputs.
//
// A part of the program that has steps of its own is a writer of its own
// (Run.Writer). Package runapi/tensorboard follows event files that way.
//
// # Runs of another program
//
// Settings.PID follows another process; Prepare makes the directory of a run
// whose log another process will write (Settings.RunDir), which continues a log
// that its predecessor left; FinishExit ends a run with a status seen elsewhere.
// Logs that other processes keep beside (run-<id>.<writer>.part) are taken in by
// Finish.
//
// # Non-goals
//
// No capture of os.Stdout behind the program's back. Runs that were kept are sent
// by the command wandb-agent sync.
package runapi
