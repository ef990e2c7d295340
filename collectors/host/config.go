package host

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"
)

// Config says what to measure and where the kernel's files are. The zero value
// measures this machine.
type Config struct {
	Every     time.Duration // cadence of the fast tier; default 1 s. The others are never faster than it
	DiskPaths []string      // filesystems asked for, as absolute paths; default "/"
	CPUTotals bool          // one set of CPU series for the machine instead of one per logical CPU

	// PID is a process whose mount namespace the paths belong to; 0 is this
	// process.
	PID int
	// Proc, Sys and Dev are where procfs, sysfs and devtmpfs are mounted;
	// default /proc, /sys, /dev.
	Proc, Sys, Dev string
	// Logger hears once of everything that is absent; nil means silence.
	Logger *slog.Logger
}

const (
	fastEvery   = time.Second
	mediumEvery = 10 * time.Second
	slowEvery   = time.Minute
)

// withDefaults returns c with every field filled, or an error that names the
// field that cannot stand.
func (c Config) withDefaults() (Config, error) {
	if c.Every < 0 {
		return c, fmt.Errorf("host config Every %v: negative", c.Every)
	}
	if c.PID < 0 {
		return c, fmt.Errorf("host config PID %d: negative", c.PID)
	}
	for _, p := range c.DiskPaths {
		if !filepath.IsAbs(p) {
			return c, fmt.Errorf("host config DiskPaths %q: not an absolute path", p)
		}
	}
	if c.Every == 0 {
		c.Every = fastEvery
	}
	if c.DiskPaths == nil {
		c.DiskPaths = []string{"/"}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Proc = orElse(c.Proc, "/proc")
	c.Sys = orElse(c.Sys, "/sys")
	c.Dev = orElse(c.Dev, "/dev")
	return c, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
