package runapi

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// TestModulesOfTheProgram are a file of the run, which Go reads. The go command tells
// test binaries nothing of their modules.
func TestModulesOfTheProgram(t *testing.T) {
	r := start(t, quiet(t))
	r.storeModules(&debug.BuildInfo{GoVersion: "go1.26.0", Path: "example.com/train", Deps: []*debug.Module{{Path: "example.com/d", Version: "v1.2.3", Sum: "h1:x"}}})
	info, err := debug.ParseBuildInfo(content(t, r, modulesFile))
	if err != nil || len(info.Deps) != 1 || info.Deps[0].Version != "v1.2.3" || info.Path != "example.com/train" {
		t.Errorf("got %+v, %v", info, err)
	}
	told := logged(t, r.Dir(), func(rec *wandbpb.Record) string {
		for _, f := range rec.GetFiles().GetFiles() {
			if f.GetPath() == modulesFile {
				return "told"
			}
		}
		return ""
	})
	if len(told) != 1 {
		t.Errorf("the log names it %d times", len(told))
	}
}

func TestModulesTellNoSecrets(t *testing.T) {
	info := debug.BuildInfo{GoVersion: "go1.26.0", Path: "x", Deps: []*debug.Module{{Path: "d", Version: "v1.0.0"}}, Settings: []debug.BuildSetting{
		{Key: "-ldflags", Value: "-X main.key=canary"}, {Key: "CGO_CFLAGS", Value: "-Dkey=canary"}, {Key: "GOOS", Value: "linux"}, {Key: "vcs.modified", Value: "true"},
	}}
	text := modulesText(info)
	if strings.Contains(text, "canary") || !strings.Contains(text, "GOOS=linux") || !strings.Contains(text, "vcs.modified=true") {
		t.Errorf("got %s", text)
	}
	if len(info.Settings) != 4 {
		t.Error("the settings of the caller were changed")
	}
}
