package artifact

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"regexp"
)

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9_\-.]+`)

// NewOwn begins an artifact of a kind that W&B keeps for itself and shows in its
// own way, such as run_table or code. Its name, made of a key or a path, becomes a
// valid one as the official client makes it: what cannot be in a name goes, and a
// checksum of the whole stands in for it.
func NewOwn(name, typ string, o Options) (*Artifact, error) { return begin(ownName(name), typ, o) }

func ownName(name string) string {
	clean := notInNames.ReplaceAllString(name, "")
	if clean == name {
		return name
	}
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(name)))
	return clean + "-" + base64.RawURLEncoding.EncodeToString(sum[:])
}
