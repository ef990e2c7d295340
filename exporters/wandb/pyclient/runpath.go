package pyclient

import (
	"net/url"
	"regexp"
)

// RunPath finds in what a client has printed the address of the run called id,
// .../ENTITY/PROJECT/runs/ID, which it prints when the server knows the run. Its
// log says it too, but later.
func RunPath(text []byte, id string) (entity, project string, ok bool) {
	address, err := regexp.Compile(`/([^/\s\x1b]+)/([^/\s\x1b]+)/runs/` + regexp.QuoteMeta(id) + `(?:[\s\x1b?]|$)`)
	if err != nil {
		return "", "", false
	}
	found := address.FindSubmatch(text)
	if found == nil {
		return "", "", false
	}
	entity, err1 := url.PathUnescape(string(found[1]))
	project, err2 := url.PathUnescape(string(found[2]))
	return entity, project, err1 == nil && err2 == nil
}
