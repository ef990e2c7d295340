package redact

import (
	"bytes"
	"sort"
	"strings"
)

// Mask stands where a secret was.
const Mask = "***"

// minLiteral is the shortest value of a secret variable that is searched for
// in other text: shorter ones would mask ordinary words.
const minLiteral = 8

// Redactor masks secrets. It is immutable and safe for concurrent use; the
// nil Redactor knows shapes and names but no literal values.
type Redactor struct {
	literals [][]byte // longest first, so that a secret within a secret leaves nothing
}

// New returns a Redactor that also masks the values of secret variables among
// environ, which has the form of os.Environ.
func New(environ []string) *Redactor {
	r := &Redactor{}
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if ok && len(value) >= minLiteral && SecretName(name) && !innocent(value) {
			r.literals = append(r.literals, []byte(value))
		}
	}
	sort.Slice(r.literals, func(i, j int) bool { return len(r.literals[i]) > len(r.literals[j]) })
	return r
}

// innocent reports whether a value cannot be a secret although its variable
// is named like one: a path (SSH_KEY_FILE style) or a plain word.
func innocent(value string) bool {
	if strings.HasPrefix(value, "/") || strings.HasPrefix(value, "./") {
		return true
	}
	switch strings.ToLower(value) {
	case "disabled", "required", "optional":
		return true
	}
	return false
}

// Text returns s with secrets masked.
func (r *Redactor) Text(s string) string {
	if s == "" {
		return s
	}
	out, changed := r.append(nil, []byte(s))
	if !changed {
		return s
	}
	return string(out)
}

// Known returns s with the values of secret variables masked and nothing else:
// for the user's own data, where a shape alone proves nothing.
func (r *Redactor) Known(s string) string {
	if r == nil {
		return s
	}
	for _, lit := range r.literals {
		if strings.Contains(s, string(lit)) {
			s = strings.ReplaceAll(s, string(lit), Mask)
		}
	}
	return s
}

// Append appends text to dst with secrets masked. Give it whole lines, one or
// many: a secret cut in two is not recognised, and none reaches over the end of
// a line. It does not allocate when dst has room and text holds no secret.
func (r *Redactor) Append(dst, text []byte) []byte {
	dst, _ = r.append(dst, text)
	return dst
}

func (r *Redactor) append(dst, text []byte) ([]byte, bool) {
	changed := false
	if r != nil {
		for _, lit := range r.literals {
			if bytes.Contains(text, lit) {
				text = bytes.ReplaceAll(text, lit, []byte(Mask))
				changed = true
			}
		}
	}
	dst, masked := appendShapes(dst, text)
	return dst, changed || masked
}

// URL returns u with user and password masked, and other secrets as in Text.
func (r *Redactor) URL(u string) string { return r.Text(u) }

// Args returns a copy of argv with secrets masked: --token X, --token=X,
// TOKEN=X, and any shape that Text knows.
func (r *Redactor) Args(argv []string) []string {
	out := make([]string, len(argv))
	hide := false // the argument before was a secret flag without a value
	for i, arg := range argv {
		name, value, assigned := strings.Cut(arg, "=")
		switch {
		case hide && !strings.HasPrefix(arg, "--"):
			out[i], hide = Mask, false
			continue
		case assigned && isFlagName(name) && SecretValue(name, value):
			out[i] = name + "=" + Mask
		default:
			out[i] = r.Text(arg)
		}
		hide = !assigned && strings.HasPrefix(arg, "-") && SecretName(arg) && hides(argv, i)
	}
	return out
}

// hides reports whether the argument after argv[i] is the value of a secret
// flag: plain counts such as those of --max-tokens are left alone.
func hides(argv []string, i int) bool {
	return i+1 < len(argv) && SecretValue(argv[i], argv[i+1])
}

// isFlagName reports whether s looks like the left side of an assignment.
func isFlagName(s string) bool {
	for i := 0; i < len(s); i++ {
		if class[s[i]]&wordByte == 0 && s[i] != '.' {
			return false
		}
	}
	return s != ""
}
