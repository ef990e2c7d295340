package server

import (
	"encoding/json"
	"regexp"
)

type logLineConnection struct {
	Edges    []logLineEdge
	PageInfo pageInfo
}

type logLineEdge struct{ Node logLine }

// logLine is a line of the console, taken apart.
type logLine struct {
	Number                  int32
	Timestamp, Level, Label *string
	Line                    string
}

// LogLines lists console lines in order: the last ones, or a page of all.
func (r *run) LogLines(args struct {
	First, Last           *int32
	After                 *string
	UseImprovedPagination *bool
}) logLineConnection {
	all := r.s.Console()
	skip := 0
	if args.Last != nil {
		skip = max(0, len(all)-max(0, int(*args.Last)))
	}
	part, start, info := page(all[skip:], args.After, args.First)
	out := logLineConnection{[]logLineEdge{}, info}
	for i, text := range part {
		line := parseLogLine(string(text))
		line.Number = int32(skip + start + i)
		out.Edges = append(out.Edges, logLineEdge{line})
	}
	return out
}

// plainLine is "[ERROR ]<time> [<label>] <text>", label and prefix if there are.
var plainLine = regexp.MustCompile(`^(ERROR )?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}) (?:\[([^\]]*)\] )?(.*)$`)

// parseLogLine reads both forms in which clients send lines; what is neither is
// all text.
func parseLogLine(text string) logLine {
	var structured struct {
		Level, TS, Label, Content *string
	}
	if json.Unmarshal([]byte(text), &structured) == nil && structured.Content != nil && structured.TS != nil {
		return logLine{Timestamp: structured.TS, Level: structured.Level, Label: structured.Label, Line: *structured.Content}
	}
	m := plainLine.FindStringSubmatch(text)
	if m == nil {
		return logLine{Line: text}
	}
	line := logLine{Timestamp: &m[2], Label: orNil(m[3]), Line: m[4]}
	if m[1] != "" {
		line.Level = ptr("error")
	}
	return line
}
