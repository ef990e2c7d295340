package api

import (
	"fmt"
	"io"
	"log/slog"
)

// masked is what people see in the place of a key.
const masked = "********"

// A Key is the secret that a server knows a user by. It prints as stars however
// it is printed, so that it cannot end up in a log by accident.
type Key struct {
	secret *string // behind a pointer: fmt prints private fields without asking
}

// NewKey makes a Key of its text.
func NewKey(secret string) Key {
	if secret == "" {
		return Key{}
	}
	return Key{&secret}
}

// Reveal returns the secret, for the header that carries it and for the file
// that the user asked to keep it in.
func (k Key) Reveal() string {
	if k.secret == nil {
		return ""
	}
	return *k.secret
}

// IsZero says that there is no key.
func (k Key) IsZero() bool { return k.secret == nil }

// String masks the key.
func (k Key) String() string {
	if k.IsZero() {
		return ""
	}
	return masked
}

// Format masks the key under every verb.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// LogValue masks the key.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText masks the key, in JSON and in any other encoding.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
