package runlog

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// values names what a record of config, summary or files gives, so that a later
// record with the same names can be seen to replace it. None: it stays. Records
// that remove something stay.
func (h head) values() []string {
	if h.marked {
		return nil
	}
	switch h.kind {
	case recordSummary:
		return summaryValues(h.body)
	case recordConfig:
		return configValues(h.body)
	case recordFiles:
		return fileValues(h.body)
	}
	return nil
}

func summaryValues(body []byte) []string {
	rec := new(wandbpb.SummaryRecord)
	if proto.Unmarshal(body, rec) != nil || len(rec.GetRemove())+len(rec.GetUnpin()) > 0 {
		return nil
	}
	kind := "summary"
	switch {
	case rec.GetDerived():
		kind = "derived"
	case rec.GetPinned():
		kind = "pinned"
	}
	var names []string
	for _, item := range rec.GetUpdate() {
		names = append(names, valueName(kind, itemPath(item)))
	}
	return names
}

func configValues(body []byte) []string {
	rec := new(wandbpb.ConfigRecord)
	if proto.Unmarshal(body, rec) != nil || len(rec.GetRemove()) > 0 {
		return nil
	}
	var names []string
	for _, item := range rec.GetUpdate() {
		names = append(names, valueName("config", itemPath(item)))
	}
	return names
}

func fileValues(body []byte) []string {
	rec := new(wandbpb.FilesRecord)
	if proto.Unmarshal(body, rec) != nil {
		return nil
	}
	var names []string
	for _, f := range rec.GetFiles() {
		names = append(names, fmt.Sprintf("file\x00%s\x00%d\x00%d", f.GetPath(), f.GetPolicy(), f.GetType()))
	}
	return names
}

func valueName(kind string, path []string) string {
	return kind + "\x00" + strings.Join(path, "\x00")
}
