package runapi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// ErrUnsent is matched by the error of Finish when the run is complete on disk
// and not all of it is at the server. It is an *UnsentError.
var ErrUnsent = errors.New("data remains unsent")

// UnsentError says what the server lacks of a run. All of it is in Dir.
type UnsentError struct {
	Dir                                            string
	Rows, Samples, Texts, Files, Alerts, Artifacts int64 // not acknowledged
	Bytes                                          int64 // of the log, about
	Whole                                          bool  // nothing was sent
	Err                                            error // why; nil when time ran out
}

// unsent makes the error of what an upload left.
func unsent(dir string, a upload.Account, cause error) *UnsentError {
	if a.LastError != nil && (cause == nil || errors.Is(cause, upload.ErrUnsent)) {
		cause = a.LastError
	}
	return &UnsentError{
		Dir: dir, Rows: a.Rows.Pending(), Samples: a.Samples.Pending(), Texts: a.Texts.Pending(), Files: a.Files.Pending(),
		Alerts: a.Alerts.Pending(), Artifacts: a.Artifacts.Pending(), Bytes: a.PendingBytes, Err: cause,
	}
}

// Error says how much is left, why, and how to send it.
func (e *UnsentError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %s", ErrUnsent, e.amount())
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	fmt.Fprintf(&b, "; send it with: wandb-agent sync %s", e.Dir)
	return b.String()
}

// amount counts what is left, in words.
func (e *UnsentError) amount() string {
	if e.Whole {
		return "the whole run"
	}
	var parts []string
	for _, p := range []struct {
		n         int64
		one, many string
	}{
		{e.Rows, "row", "rows"}, {e.Samples, "hardware sample", "hardware samples"}, {e.Texts, "piece of console text", "pieces of console text"},
		{e.Files, "file", "files"}, {e.Alerts, "alert", "alerts"}, {e.Artifacts, "artifact", "artifacts"},
	} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 "+p.one)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.many))
		}
	}
	if len(parts) == 0 {
		parts = []string{"the end of the run"}
	}
	text := strings.Join(parts, ", ")
	if e.Bytes > 0 {
		text += fmt.Sprintf(" (about %d KiB)", (e.Bytes+1023)/1024)
	}
	return text
}

// Is matches ErrUnsent.
func (e *UnsentError) Is(target error) bool { return target == ErrUnsent }

// Unwrap returns the cause.
func (e *UnsentError) Unwrap() error { return e.Err }
