package artifact

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Schemes of references to entries of other artifacts: by the id that a client
// made, which only lives until the upload, and by the server's id.
const (
	clientScheme = "wandb-client-artifact"
	serverScheme = "wandb-artifact"
)

// ClientRef refers to an entry of an artifact by its client id.
func ClientRef(clientID, path string) string { return clientScheme + "://" + clientID + "/" + path }

// serverRef refers to an entry by the server's id of its artifact.
func serverRef(id, path string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil {
		return "", fmt.Errorf("artifact id %q is no base64", id)
	}
	return serverScheme + "://" + hex.EncodeToString(raw) + "/" + path, nil
}

// parseRef splits a reference of one of our schemes into an id, the server's in
// its own form, and a path.
func parseRef(ref, scheme string) (id, path string, found bool) {
	rest, found := strings.CutPrefix(ref, scheme+"://")
	if !found {
		return "", "", false
	}
	id, path, found = strings.Cut(rest, "/")
	if scheme == serverScheme && found {
		raw, err := hex.DecodeString(id)
		if err != nil {
			return "", "", false
		}
		id = base64.StdEncoding.EncodeToString(raw)
	}
	return id, path, found
}
