//go:build linux

package host

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"syscall"

	"github.com/wandb-agent/wandb-agent/agent"
)

// absences is the list of what is not measured, safe for concurrent use. It
// logs each entry when it comes in.
type absences struct {
	log  *slog.Logger
	mu   sync.Mutex
	have []agent.Absence
}

// set enters the failure of a subject, or takes it out when err is nil.
func (a *absences) set(what about, err error) {
	if a.change(what, err) {
		a.log.Info("metric is absent", "metric", what.metric, "reason", err, "remedy", what.remedy)
	}
}

// change reports whether the failure is news.
func (a *absences) change(what about, err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.have, func(e agent.Absence) bool { return e.Metric == what.metric })
	switch {
	case err == nil && i >= 0:
		a.have = slices.Delete(a.have, i, i+1)
	case err != nil && i < 0:
		a.have = append(a.have, agent.Absence{Metric: what.metric, Reason: err.Error(), Remedy: remedy(what, err)})
		return true
	case err != nil:
		a.have[i].Reason = err.Error()
	}
	return false
}

// remedy is what helps against err: a permission, or what the subject knows.
func remedy(what about, err error) string {
	if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM) {
		return "run as a user who may read it"
	}
	return what.remedy
}

func (a *absences) list() []agent.Absence {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.have)
}
