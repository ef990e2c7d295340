package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/pyclient"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// syncFlags are the flags of sync.
type syncFlags struct {
	project, entity, id          string
	live, dryRun, online, synced bool
	asJSON                       bool
}

func (c *cli) syncCmd() *cobra.Command {
	f := &syncFlags{}
	cmd := &cobra.Command{
		Use:   "sync [RUN...]",
		Short: "Send runs to the server that are offline or were interrupted",
		Long: `Sends runs of ours or of the official client, and goes on where an earlier
upload stopped. RUN is a run directory, its .wandb file, or a wandb directory
(all of its runs); without RUN it is the wandb directory here. What was sent is
not sent again. A run whose program was killed is repaired first: its exit
status is then unknown, and the server shows it as failed.`,
		Example: "  wandb-agent sync\n  wandb-agent sync wandb/offline-run-20260101_120000-abcd1234\n  wandb-agent sync --live wandb/latest-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.id != "" && len(args) != 1 {
				return usagef("sync --id takes one RUN")
			}
			return c.sync(cmd.Context(), f, args)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.project, "project", "", "project that the runs go to, instead of their own")
	fs.StringVar(&f.entity, "entity", "", "user or team that the runs go to, instead of their own")
	fs.StringVar(&f.id, "id", "", "id that the run gets, instead of its own")
	fs.BoolVar(&f.live, "live", false, "follow runs that are still written until they end")
	fs.BoolVar(&f.dryRun, "dry-run", false, "say what would be sent, and send nothing")
	fs.BoolVar(&f.online, "include-online", false, "also send online runs of the official client")
	fs.BoolVar(&f.synced, "include-synced", false, "also send what was sent already")
	jsonFlag(cmd, &f.asJSON)
	return cmd
}

// sync sends one run after the other. A run that cannot be sent does not keep
// the others from it.
func (c *cli) sync(ctx context.Context, f *syncFlags, args []string) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills
	dirs, named, err := syncDirs(args)
	if err != nil {
		return err
	}
	results := []syncResult{}
	units, err := syncUnits(dirs)
	if err != nil {
		return err
	}
	for _, unit := range units {
		results = append(results, c.syncOne(ctx, f, unit, named))
	}
	if f.asJSON {
		if err := writeJSON(c.stdout, struct {
			Runs []syncResult `json:"runs"`
		}{results}); err != nil {
			return err
		}
	}
	if len(results) == 0 && !f.asJSON {
		fmt.Fprintln(c.stderr, "wandb-agent: no runs here; name a run directory, or a wandb directory")
	}
	return syncStatus(results)
}

// syncStatus is the exit code of all runs together: 1 if one failed, else 3 if
// something is left.
func syncStatus(results []syncResult) error {
	code := exitOK
	for _, r := range results {
		switch {
		case r.Status == "failed":
			return statusError(exitFailure)
		case r.Status == "unsent" || r.Status == "alive":
			code = exitUnsent
		}
	}
	if code != exitOK {
		return statusError(code)
	}
	return nil
}

// syncDirs finds the runs that are meant. named: they were given one by one.
func syncDirs(args []string) (dirs []*runlog.Dir, named bool, err error) {
	if len(args) == 0 {
		root := os.Getenv("WANDB_DIR")
		wandbDir := filepath.Join(root, ".wandb")
		if st, err := os.Stat(wandbDir); err != nil || !st.IsDir() {
			wandbDir = filepath.Join(root, "wandb")
		}
		if _, err := os.Stat(wandbDir); errors.Is(err, os.ErrNotExist) {
			return nil, false, nil
		}
		dirs, err := upload.FindRuns(wandbDir)
		return dirs, false, err
	}
	for _, arg := range args {
		found, err := upload.FindRuns(arg)
		if err == nil && len(found) > 0 {
			dirs = append(dirs, found...)
			continue
		}
		dir, err := runlog.OpenDir(arg)
		if err != nil {
			return nil, false, err
		}
		if path, err := filepath.EvalSymlinks(dir.Path); err == nil { // latest-run is a link
			dir.Path = path
		}
		if dir.Path == "." { // so that the directory beside it can be named
			if dir.Path, err = os.Getwd(); err != nil {
				return nil, false, err
			}
		}
		dirs, named = append(dirs, dir), true
	}
	return dirs, named, nil
}

// syncResult is the outcome of one run, a stable schema.
type syncResult struct {
	Dir     string `json:"dir"`
	RunID   string `json:"run_id"`
	Status  string `json:"status"` // sent, already, skipped, would-send, alive, unsent, failed
	URL     string `json:"url,omitempty"`
	Error   string `json:"error,omitempty"`
	Rows    int64  `json:"rows_sent"`
	Samples int64  `json:"samples_sent"`
	Pending int64  `json:"rows_pending"`
	Dropped int64  `json:"rows_dropped"`
	Moved   int64  `json:"steps_moved"`
	Bytes   int64  `json:"bytes_pending"`
}

// syncUnit is what is sent as one: the logs of several writers of one time, ours
// first, or a single one.
type syncUnit struct {
	logs   []upload.Found
	resume string // "allow": an earlier unit began the run
}

// syncUnits finds the logs of the runs that dirs belong to, beside them too.
func syncUnits(dirs []*runlog.Dir) ([]syncUnit, error) {
	var ids []string
	logs := map[string][]upload.Found{} // by run id
	seen := map[string]bool{}
	for _, dir := range dirs {
		if seen[dir.Path] { // and so are its siblings
			continue
		}
		siblings, err := dir.Siblings()
		if err != nil {
			return nil, err
		}
		for _, d := range append([]*runlog.Dir{dir}, siblings...) {
			if seen[d.Path] {
				continue
			}
			seen[d.Path] = true
			found, err := upload.Inspect(d)
			if err != nil {
				return nil, err
			}
			found.Alive = found.Alive || found.Foreign && d.Around() != nil && pyclient.Writing(d)
			id := d.Run()
			if logs[id] == nil {
				ids = append(ids, id)
			}
			logs[id] = append(logs[id], found)
		}
	}
	var units []syncUnit
	for _, id := range ids {
		more, err := unitsOf(logs[id])
		if err != nil {
			return nil, err
		}
		units = append(units, more...)
	}
	// The writer that says how a shared run ended comes last: a server takes one
	// that is heard of later for running.
	secondary := func(unit syncUnit) int {
		if unit.logs[0].Run.GetWriter().GetSecondary() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(units, func(a, b syncUnit) int { return secondary(a) - secondary(b) })
	return units, nil
}

// unitsOf groups the logs of one run by the time at which its writers were at
// work. Logs of shared runs, of forks and of other programs are sent each by itself, but
// one that another program kept inside our exec belongs to exec's.
func unitsOf(logs []upload.Found) (units []syncUnit, err error) {
	var dirs []*runlog.Dir
	ours := slices.ContainsFunc(logs, func(l upload.Found) bool { return !l.Foreign })
	at := map[*runlog.Dir]upload.Found{}
	for _, l := range logs {
		if !ours || l.Run.GetWriter().GetShared() || l.Run.GetBranchPoint() != nil {
			units = append(units, syncUnit{logs: []upload.Found{l}})
			continue
		}
		dirs, at[l.Dir] = append(dirs, l.Dir), l
	}
	sessions, err := runlog.Sessions(dirs)
	for i, session := range sessions {
		var u syncUnit
		for _, foreign := range []bool{false, true} {
			for _, dir := range session {
				if at[dir].Foreign == foreign {
					u.logs = append(u.logs, at[dir])
				}
			}
		}
		if i > 0 && u.logs[0].Run.GetResume() == "" {
			u.resume = "allow"
		}
		units = append(units, u)
	}
	return units, err
}

// syncOne sends one run and says how that went.
func (c *cli) syncOne(ctx context.Context, f *syncFlags, unit syncUnit, named bool) syncResult {
	found := unit.logs[0]
	r := syncResult{Dir: found.Dir.Path, RunID: found.Dir.Run()}
	if done := c.syncSkips(f, unit.logs, named, &r); done {
		return r
	}
	found, err := prepareSync(unit.logs)
	if errors.Is(err, runlog.ErrLocked) {
		return c.syncSaid(r, "alive", "is still being written or sent: "+err.Error())
	}
	if err != nil {
		return c.syncFailed(r, err)
	}
	r.Dir = found.Dir.Path
	report, err := c.syncUpload(ctx, f, found, unit.resume)
	r.take(report)
	switch {
	case errors.Is(err, upload.ErrUnsent):
		r.Error = err.Error()
		why := ""
		if report.LastError != nil {
			why = " (" + report.LastError.Error() + ")"
		}
		return c.syncSaid(r, "unsent", fmt.Sprintf("%d rows and %d bytes of log are not sent%s; send them with: wandb-agent sync %s", r.Pending, r.Bytes, why, r.Dir))
	case errors.Is(err, upload.ErrResume):
		return c.syncFailed(r, fmt.Errorf("%w; another id can be given with --id", err))
	case err != nil:
		return c.syncFailed(r, err)
	case report.Already:
		return c.syncSaid(r, "already", "the server has all of it: "+r.URL)
	}
	return c.syncSaid(r, "sent", r.sentence())
}

// syncSkips says why a run is not sent now; false: it is.
func (c *cli) syncSkips(f *syncFlags, unit []upload.Found, named bool, r *syncResult) bool {
	found := unit[0]
	synced, alive := true, false
	for _, u := range unit {
		synced = synced && (u.Synced || u.Dir.JoinedInto() != "")
		alive = alive || u.Alive
	}
	switch into := found.Dir.JoinedInto(); {
	case len(unit) == 1 && into != "":
		*r = c.syncSaid(*r, "skipped", "is part of the run in "+into)
	case synced && !f.synced:
		*r = c.syncSaid(*r, "already", "was sent already (--include-synced sends it again)")
	case found.Foreign && found.Online && !f.online && !named:
		*r = c.syncSaid(*r, "skipped", "is an online run of another program (--include-online sends it)")
	case alive && (!f.live || len(unit) > 1):
		*r = c.syncSaid(*r, "alive", "is still being written: wait for its end, or follow it with --live")
	case f.dryRun:
		*r = c.syncSaid(*r, "would-send", "would be sent")
	default:
		return false
	}
	return true
}

// prepareSync makes one finished log of a run whose writers are gone. Logs of
// other programs are left as they are.
func prepareSync(unit []upload.Found) (upload.Found, error) {
	found := unit[0]
	if found.Foreign || found.Alive {
		return found, nil
	}
	if len(unit) == 1 {
		_, err := runlog.Repair(found.Dir)
		return found, err
	}
	var dirs []*runlog.Dir
	for _, u := range unit {
		dirs = append(dirs, u.Dir)
	}
	main, _, err := runlog.Join(dirs, runlog.JoinOptions{Version: wandb.Version})
	if err != nil {
		return found, err
	}
	return upload.Inspect(main)
}

func (r *syncResult) take(report upload.Report) {
	r.URL, r.Rows, r.Samples = report.URL, report.Rows.Sent, report.Samples.Sent
	r.Pending, r.Dropped, r.Moved, r.Bytes = report.Rows.Pending(), report.Rows.Dropped, report.StepsMoved, report.PendingBytes
}

// sentence says what was sent.
func (r *syncResult) sentence() string {
	said := fmt.Sprintf("sent %d rows, %d hardware samples: %s", r.Rows, r.Samples, r.URL)
	if r.Dropped > 0 {
		said += fmt.Sprintf("; %d rows could not be sent", r.Dropped)
	}
	if r.Moved > 0 {
		said += fmt.Sprintf("; %d rows repeated a step and got the next one", r.Moved)
	}
	return said
}

func (c *cli) syncSaid(r syncResult, status, text string) syncResult {
	r.Status = status
	fmt.Fprintf(c.stderr, "wandb-agent: run %s: %s\n", r.RunID, text)
	return r
}

func (c *cli) syncFailed(r syncResult, err error) syncResult {
	r.Error = err.Error()
	return c.syncSaid(r, "failed", err.Error())
}

// syncUpload sends one run, with a line of progress on a terminal.
func (c *cli) syncUpload(ctx context.Context, f *syncFlags, found upload.Found, resume string) (upload.Report, error) {
	client, err := connect(found)
	if err != nil {
		return upload.Report{}, err
	}
	p := c.progress(found.Dir.RunID)
	defer p.end()
	u, err := upload.New(upload.Options{
		Dir: found.Dir, Client: client, Entity: f.entity, Project: f.project, RunID: f.id, Resume: resume,
		Live: found.Alive || f.live && found.Foreign, UntilExit: found.Foreign, Progress: p.show,
	})
	if err != nil {
		return upload.Report{}, err
	}
	if found.Alive {
		go finishWithWriter(ctx, u, found.Dir)
	}
	return u.Run(ctx)
}

// writerPoll is how often a followed run is asked whether its writer lives.
const writerPoll = time.Second

// finishWithWriter ends the upload of a live run once its writer is gone. It
// returns then, or with ctx.
func finishWithWriter(ctx context.Context, u *upload.Uploader, dir *runlog.Dir) {
	tick := time.NewTicker(writerPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if alive, err := dir.Alive(); err != nil || alive {
			continue
		}
		if _, err := runlog.Repair(dir); err == nil {
			u.Finish(ctx)
			return
		}
	}
}

// progress is one line on a terminal, rewritten at each acknowledged request.
type progress struct {
	c    *cli
	id   string
	show func(upload.Account)
	used bool
}

func (c *cli) progress(id string) *progress {
	p := &progress{c: c, id: id}
	p.show = func(upload.Account) {}
	if f, ok := c.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.show = p.line
	}
	return p
}

func (p *progress) line(a upload.Account) {
	p.used = true
	fmt.Fprintf(p.c.stderr, "\r\x1b[Krun %s: %d rows, %d samples sent, %d MB of log left", p.id, a.Rows.Sent, a.Samples.Sent, a.PendingBytes/1e6)
}

func (p *progress) end() {
	if p.used {
		fmt.Fprint(p.c.stderr, "\r\x1b[K")
	}
}
