package runapi

import (
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// modulesFile has the modules that a Go program was built of, in the form of go
// version -m.
const modulesFile = "go-modules.txt"

// toldSettings are the settings of a build that are stored; vcs ones are too.
// Flags of the linker and of C compilers are not: programs get keys by them.
var toldSettings = []string{"-buildmode", "-compiler", "-race", "-tags", "-trimpath", "CGO_ENABLED", "GOARCH", "GOOS", "GOAMD64", "GOARM64", "GOEXPERIMENT"}

// keepModules stores what this program was built of.
func (r *Run) keepModules() {
	off := r.set.DisableMeta
	if r.set.inside {
		off = r.set.noMeta
	}
	if off || r.set.Secondary || r.set.PID != os.Getpid() {
		return
	}
	if info, ok := debug.ReadBuildInfo(); ok && len(info.Deps) > 0 {
		r.storeModules(info)
	}
}

func (r *Run) storeModules(info *debug.BuildInfo) {
	err := r.writeFile(modulesFile, []byte(r.mask.Known(modulesText(*info))))
	if err == nil {
		err = r.announce(wandbpb.FilesItem_NOW, modulesFile)
	}
	r.logError("modules of the program not stored", err)
}

// modulesText is info without what may be secret.
func modulesText(info debug.BuildInfo) string {
	info.Settings = slices.DeleteFunc(slices.Clone(info.Settings), func(s debug.BuildSetting) bool {
		return !slices.Contains(toldSettings, s.Key) && !strings.HasPrefix(s.Key, "vcs")
	})
	return info.String()
}
