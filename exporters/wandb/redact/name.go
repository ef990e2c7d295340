package redact

import "strings"

// endings are the last letters of a word that names a secret. Those in counts
// also name harmless numbers.
var (
	endings = []string{"key", "token", "secret", "secrets", "password", "passwords", "passwd", "passphrase", "credential", "credentials", "authorization", "keys", "tokens"}
	counts  = []string{"key", "keys", "token", "tokens"}
)

// SecretName reports whether a variable, flag or config key called name
// probably holds a secret: one of its words (split at anything but letters
// and digits, and before capitals) ends like a word for one. tokenizer and
// keyboard do not; api_key, apiKey, HF_TOKEN and --password do.
func SecretName(name string) bool { return matchWord(name, endings) }

// SecretValue reports whether value, given under name, is to be masked: name
// is a secret's, and value is not a plain number or truth value under a name
// such as max_tokens that may also mean a count.
func SecretValue(name, value string) bool {
	if value == "" || !SecretName(name) {
		return false
	}
	if !plain(value) {
		return true
	}
	return !matchWord(name, counts)
}

// plain reports whether value is a short number or a truth value.
func plain(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "yes", "no", "on", "off", "none", "null", Mask:
		return true
	}
	if len(value) > 12 {
		return false
	}
	for i := 0; i < len(value); i++ {
		if c := value[i]; (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != ',' {
			return false
		}
	}
	return true
}

// matchWord reports whether a word of name ends in one of list.
func matchWord(name string, list []string) bool {
	for start := 0; start < len(name); {
		end := start
		for end < len(name) && isAlnum(name[end]) && !(end > start && isUpper(name[end]) && !isUpper(name[end-1])) {
			end++
		}
		if end > start && endsIn(name[start:end], list) {
			return true
		}
		if end == start {
			end++
		}
		start = end
	}
	return false
}

func endsIn(word string, list []string) bool {
	for _, e := range list {
		if len(word) >= len(e) && strings.EqualFold(word[len(word)-len(e):], e) {
			return true
		}
	}
	return false
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func isAlnum(c byte) bool { return class[c]&(hexByte|alnumByte) != 0 }
