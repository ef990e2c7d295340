package runapi

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Level says how grave an alert is.
type Level string

// Levels of an alert.
const (
	Info  Level = "INFO"
	Warn  Level = "WARN"
	Error Level = "ERROR"
)

// ParseLevel reads a level in letters of any case, also "warning"; "" is Info. The
// error is ErrAlert.
func ParseLevel(text string) (Level, error) {
	switch level := Level(strings.ToUpper(text)); level {
	case Info, Warn, Error:
		return level, nil
	case "":
		return Info, nil
	case "WARNING":
		return Warn, nil
	}
	return "", fmt.Errorf("alert of level %.20q: %w: want INFO, WARN or ERROR", text, ErrAlert)
}

// Limits and default of alerts.
const (
	// MaxAlertTitle bounds the title of an alert, in characters.
	MaxAlertTitle = 64
	// DefaultAlertWait is how long the server keeps quiet about further alerts
	// with the same title.
	DefaultAlertWait = time.Minute
)

// ErrAlert is returned for an alert with a title, level or wait that it cannot
// have; nothing was stored.
var ErrAlert = errors.New("alert is not allowed")

// Alert tells the people who follow the run, by the ways that they chose on
// the server. Level "" is Info; the server sends at most one alert of a title
// within wait, 0 is DefaultAlertWait. The alert is in the run's log when Alert
// returns nil, and is sent when the run is. Secrets in it are masked. Errors
// are about title, level or wait, ErrFinished, or those of the run log.
func (r *Run) Alert(title, text string, level Level, wait time.Duration) error {
	if r == nil || r.off {
		return nil
	}
	if level == "" {
		level = Info
	}
	if wait == 0 {
		wait = DefaultAlertWait
	}
	title = strings.ToValidUTF8(r.mask.Text(title), "\ufffd")
	switch n := utf8.RuneCountInString(title); {
	case n == 0 || n >= MaxAlertTitle:
		return fmt.Errorf("alert with a title of %d characters: %w: want 1 to %d", n, ErrAlert, MaxAlertTitle-1)
	case level != Info && level != Warn && level != Error:
		return fmt.Errorf("alert of level %.20q: %w: want INFO, WARN or ERROR", level, ErrAlert)
	case wait < 0:
		return fmt.Errorf("alert with wait %v: %w: want a time from 0", wait, ErrAlert)
	}
	return r.record(&wandbpb.Record{RecordType: &wandbpb.Record_Alert{Alert: &wandbpb.AlertRecord{
		Title: title, Text: strings.ToValidUTF8(r.mask.Text(text), "\ufffd"), Level: string(level), WaitDuration: wait.Milliseconds(),
	}}})
}

// MarkPreempting tells the server that this machine may be taken away at any
// moment, so that it is patient with a run that falls silent. Errors are
// ErrFinished or those of the run log.
func (r *Run) MarkPreempting() error {
	if r == nil || r.off {
		return nil
	}
	err := r.record(&wandbpb.Record{RecordType: &wandbpb.Record_Preempting{Preempting: &wandbpb.RunPreemptingRecord{}}})
	r.link.Load().wake()
	return err
}

// record appends a record of the program to the log.
func (r *Run) record(rec *wandbpb.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return ErrFinished
	}
	return r.log.Write(rec)
}
