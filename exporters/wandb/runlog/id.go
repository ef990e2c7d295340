package runlog

import (
	"crypto/rand"
	"fmt"
	"strings"
)

const idAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

// NewID makes a run id: 8 characters from a-z and 0-9, cryptographically
// random.
func NewID() string {
	id := make([]byte, 0, 8)
	var buf [16]byte
	for len(id) < cap(id) {
		rand.Read(buf[:]) // never fails
		for _, b := range buf {
			// 252 is the largest multiple of 36 that fits a byte: no letter
			// may be more likely than another.
			if b < 252 && len(id) < cap(id) {
				id = append(id, idAlphabet[b%36])
			}
		}
	}
	return string(id)
}

// CheckID says why a run id given by a user cannot be used: W&B refuses ids
// that are empty, have outer white space, or contain one of : ; , # ? / '.
// Control characters and more than 64 bytes are refused too, because the id
// becomes a file name.
func CheckID(id string) error {
	switch {
	case id == "":
		return fmt.Errorf("check run id: it is empty")
	case strings.TrimSpace(id) != id:
		return fmt.Errorf("check run id %q: it begins or ends with white space", id)
	case len(id) > 64:
		return fmt.Errorf("check run id %q: it is longer than 64 bytes", id)
	}
	for _, r := range id {
		if r < ' ' || r == 0x7f || r == '\ufffd' || strings.ContainsRune(`:;,#?/'\`, r) {
			return fmt.Errorf("check run id %q: %q is not allowed", id, r)
		}
	}
	return nil
}
