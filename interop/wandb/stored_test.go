package wandb_test

import (
	"slices"
	"strings"
)

// ownFiles are files that a client makes of what the run says, in words of its
// own.
var ownFiles = []string{"config.yaml", "wandb-summary.json", "requirements.txt", "output.log"}

// normal is a stored run without what depends on time, chance and machine. Rows
// of several writers come in any order.
func (s *storedRun) normal(shared bool) map[string]any {
	history := rowsOf(s.History)
	if shared {
		for _, row := range s.History {
			delete(row, "_step")
		}
	}
	history = normal("", history).([]any)
	if shared {
		sortJSON(history)
	}
	facts := normal("", s.Raw).(map[string]any)
	for _, key := range []string{"config", "summary", "history", "events", "loggedArtifacts", "uploaded", "console", "files"} {
		delete(facts, key) // below, in another form
	}
	console := []any{}
	for _, line := range s.Console {
		if !strings.Contains(line, "wandb: ") { // what the official client itself says
			console = append(console, normal("", line))
		}
	}
	files := map[string]any{}
	for _, f := range s.Files {
		switch {
		case f.Name == "output.log" && len(console) == 0: // it said nothing but that
		case f.Name == "wandb-metadata.json": // measured beside the run, which may have ended
		case slices.Contains(ownFiles, f.Name):
			files[f.Name] = "<own words>"
		default:
			files[f.Name] = f.MD5
		}
	}
	return map[string]any{
		"facts": facts, "config": normal("", s.Config), "summary": normal("", s.Summary), "history": history,
		"metrics": normalEvents(s.Events), "console": console, "files": files,
	}
}

// rowsOf makes rows a list of any values.
func rowsOf(rows []map[string]any) []any {
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = r
	}
	return out
}

// endedWith says whether the run ended with an exit code.
func (s *storedRun) endedWith(code int) bool { return s.ExitCode != nil && *s.ExitCode == code }

// logged are the rows without their time.
func (s *storedRun) logged() []any {
	out := make([]any, len(s.History))
	for i, row := range s.History {
		clean := map[string]any{}
		for k, v := range row {
			if k != "_timestamp" && k != "_runtime" {
				clean[k] = v
			}
		}
		out[i] = clean
	}
	return out
}

// settled is the summary without its times.
func (s *storedRun) settled() map[string]any {
	out := map[string]any{}
	for k, v := range s.Summary {
		if k[0] != '_' {
			out[k] = v
		}
	}
	return out
}

// tags are those of the run, as JSON values.
func (s *storedRun) tags() []any {
	out := make([]any, len(s.Tags))
	for i, tag := range s.Tags {
		out[i] = tag
	}
	return out
}

// mapOf makes a map one of any values.
func mapOf(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// fileUnder reads the one file of a run whose name begins with a text.
func (p *proof) fileUnder(id, begin string) string {
	p.t.Helper()
	var found []string
	for _, f := range p.stored(id).Files {
		if strings.HasPrefix(f.Name, begin) {
			found = append(found, f.Name)
		}
	}
	if len(found) != 1 {
		p.t.Fatalf("%d files begin with %s, want 1: %q", len(found), begin, found)
	}
	return p.file(id, found[0])
}
