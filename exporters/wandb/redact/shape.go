package redact

import "bytes"

// Classes of bytes. A word is a stretch of letters, digits, _ and -.
const (
	wordByte = 1 << iota
	alnumByte
	hexByte
	stopByte // ends the value of an assignment
)

var class = func() (t [256]byte) {
	for c := 0; c < 256; c++ {
		b := byte(c)
		switch {
		case '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F':
			t[c] = wordByte | alnumByte | hexByte
		case 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z':
			t[c] = wordByte | alnumByte
		case b == '_' || b == '-':
			t[c] = wordByte
		case b <= ' ' || b == '"' || b == '\'' || b == ',' || b == ';' || b == '&' || b == ')' || b == '}' || b == ']':
			t[c] = stopByte
		}
	}
	return t
}()

// minToken is the length of the shortest token that a shape describes.
const minToken = 16

// appendShapes copies text to dst, masking what names and shapes give away.
// One pass over the words of the text; most words are passed over after a
// look at their length and at the byte that follows.
func appendShapes(dst, text []byte) ([]byte, bool) {
	done := 0 // text[:done] is in dst
	for i := 0; i < len(text); {
		if class[text[i]]&wordByte == 0 {
			i++
			continue
		}
		start := i
		for i < len(text) && class[text[i]]&wordByte != 0 {
			i++
		}
		from, to := secretAt(text, start, i)
		if to > from {
			dst = append(append(dst, text[done:from]...), Mask...)
			done, i = to, to
		}
	}
	return append(dst, text[done:]...), done > 0
}

// secretAt looks at the word text[start:end] and returns the stretch to mask
// because of it; an empty stretch for none.
func secretAt(text []byte, start, end int) (from, to int) {
	word := text[start:end]
	if len(word) >= minToken {
		if from, n := token(word, text[end:]); n > 0 {
			return start + from, start + from + n
		}
	}
	rest := text[end:]
	if len(rest) == 0 {
		return 0, 0
	}
	switch c := rest[0]; {
	case c == ':' && bytes.HasPrefix(rest, []byte("://")):
		n := userinfo(rest[3:])
		return end + 3, end + 3 + n
	case c == '=' || c == ':' || (c == '"' || c == '\'') && len(rest) > 1 && rest[1] == ':':
		return assigned(text, word, end)
	case c == ' ' && len(word) > 3 && word[0] == '-' && SecretName(string(word)):
		from = end + 1
		to = from + valueLen(text[from:])
		if from < to && text[from] != '-' && SecretValue(string(word), string(text[from:to])) {
			return from, to
		}
	case c == ' ' && len(word) == 6 && bytes.EqualFold(word, []byte("bearer")):
		if n := valueLen(rest[1:]); n >= minToken {
			return end + 1, end + 1 + n
		}
	}
	return 0, 0
}

// assigned returns the value after text[:end], whose last word is name, when
// it is a secret: name=value, name: value, "name": "value".
func assigned(text, name []byte, end int) (from, to int) {
	if len(name) < 3 || !SecretName(string(name)) {
		return 0, 0
	}
	from = end
	for from < len(text) && (text[from] == '=' || text[from] == ':' || text[from] == '"' || text[from] == '\'') {
		from++
	}
	for from < len(text) && (text[from] == ' ' || text[from] == '"' || text[from] == '\'') {
		from++
	}
	if endsIn(string(name), []string{"authorization"}) {
		n := bytes.IndexAny(text[from:], "\r\n\"'")
		if n < 0 {
			n = len(text) - from
		}
		return from, from + n
	}
	n := valueLen(text[from:])
	if !SecretValue(string(name), string(text[from:from+n])) {
		return 0, 0
	}
	return from, from + n
}

// valueLen is the length of the value that text starts with.
func valueLen(text []byte) int {
	n := 0
	for n < len(text) && class[text[n]]&stopByte == 0 {
		n++
	}
	return n
}

// userinfo is the length of user:password before the @ of a URL's authority.
func userinfo(text []byte) int {
	n := 0
	for n < len(text) && class[text[n]]&stopByte == 0 && text[n] != '/' && text[n] != '?' && text[n] != '#' {
		n++
	}
	return max(bytes.LastIndexByte(text[:n], '@'), 0)
}
