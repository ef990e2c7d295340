package auth

import "strings"

// An entry is a machine of a netrc file and where it stands in the text.
type entry struct {
	machine  string // "" for default
	password string
	isDef    bool

	start, end       int // of the entry, up to its last token
	passFrom, passTo int // of the password as it is written; equal when there is none
}

// A token is a word of a netrc file.
type token struct {
	text       string // without quotes
	start, end int    // as written
}

// scanner reads the words of a netrc file.
type scanner struct {
	data []byte
	pos  int
}

func space(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// next returns the next word; ok is false at the end. A word may be in double
// quotes, and a backslash takes the meaning of what follows.
func (s *scanner) next() (t token, ok bool) {
	for s.pos < len(s.data) && space(s.data[s.pos]) {
		s.pos++
	}
	if s.pos == len(s.data) {
		return token{}, false
	}
	t.start = s.pos
	var text strings.Builder
	quoted := s.data[s.pos] == '"'
	if quoted {
		s.pos++
	}
	for s.pos < len(s.data) {
		b := s.data[s.pos]
		if quoted && b == '"' {
			s.pos++
			break
		}
		if !quoted && space(b) {
			break
		}
		if b == '\\' && s.pos+1 < len(s.data) {
			s.pos++
			b = s.data[s.pos]
		}
		text.WriteByte(b)
		s.pos++
	}
	t.text, t.end = text.String(), s.pos
	return t, true
}

// skipLine goes to the end of the line that holds the byte before pos.
func (s *scanner) skipLine(from int) {
	s.pos = from
	for s.pos < len(s.data) && s.data[s.pos] != '\n' {
		s.pos++
	}
}

// skipMacro goes behind a macro, which an empty line ends.
func (s *scanner) skipMacro() {
	rest := string(s.data[s.pos:])
	end := len(rest)
	for _, blank := range []string{"\n\n", "\n\r\n"} {
		if i := strings.Index(rest, blank); i >= 0 && i+len(blank) < end {
			end = i + len(blank)
		}
	}
	s.pos += end
}

// parseNetrc finds the entries of a netrc file. Text that it does not
// understand belongs to no entry.
func parseNetrc(data []byte) []entry {
	var entries []entry
	var e *entry // the one that words belong to
	s := &scanner{data: data}
	for {
		t, ok := s.next()
		if !ok {
			return entries
		}
		switch {
		case t.text == "machine" || t.text == "default":
			entries = append(entries, entry{start: t.start, end: t.end, isDef: t.text == "default"})
			e = &entries[len(entries)-1]
			if !e.isDef {
				s.value(e, &e.machine)
			}
		case data[t.start] == '#':
			s.skipLine(t.start)
		case t.text == "macdef":
			e = nil
			s.skipMacro()
		case e == nil:
		case t.text == "password":
			if v, ok := s.value(e, &e.password); ok {
				e.passFrom, e.passTo = v.start, v.end
			}
		case t.text == "login" || t.text == "user" || t.text == "account":
			s.value(e, new(string))
		}
	}
}

// value reads the word that belongs to the one before.
func (s *scanner) value(e *entry, to *string) (token, bool) {
	t, ok := s.next()
	if ok {
		*to, e.end = t.text, t.end
	}
	return t, ok
}

// passwordFor returns the password of a machine. Of several entries the last
// counts. The default entry is not for W&B: no server gets a password that was
// meant for any other.
func passwordFor(entries []entry, machine string) string {
	found := ""
	for _, e := range entries {
		if !e.isDef && e.machine == machine && e.password != "" {
			found = e.password
		}
	}
	return found
}

// setPassword returns the text with another password for the entries of
// machine, or with an entry for it, before the default entry if there is one:
// readers go no further. Everything else stays. Neither machine nor password
// needs quotes.
func setPassword(data []byte, machine, password string) []byte {
	var out []byte
	entries, copied, done := parseNetrc(data), 0, false
	for _, e := range entries {
		switch {
		case e.isDef && !done:
			out = append(out, data[copied:e.start]...)
			out = append(out, newEntry(machine, password)...)
			copied, done = e.start, true
		case e.isDef || e.machine != machine:
		case e.passTo > e.passFrom:
			out = append(append(out, data[copied:e.passFrom]...), password...)
			copied, done = e.passTo, true
		default:
			out = append(append(out, data[copied:e.end]...), "\n  password "+password...)
			copied, done = e.end, true
		}
	}
	out = append(out, data[copied:]...)
	if done {
		return out
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	if openMacro(out) {
		out = append(out, '\n') // an empty line ends a macro
	}
	return append(out, newEntry(machine, password)...)
}

func newEntry(machine, password string) string {
	return "machine " + machine + "\n  login user\n  password " + password + "\n"
}

// openMacro says whether what is appended to data would belong to a macro.
func openMacro(data []byte) bool {
	with := parseNetrc(append(append([]byte(nil), data...), "machine probe"...))
	return len(with) == 0 || with[len(with)-1].machine != "probe"
}
