package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// signedFor is how long a storage URL works.
const signedFor = 24 * time.Hour

type baseKey struct{}

func withBase(ctx context.Context, base string) context.Context {
	return context.WithValue(ctx, baseKey{}, base)
}

// base is what URLs for the client of a request begin with.
func (s *Server) base(r *http.Request) string {
	switch {
	case s.o.BaseURL != "":
		return strings.TrimSuffix(s.o.BaseURL, "/")
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// sign makes a URL that needs no credentials: method, place and end are signed.
// The place is run/<storage id>/<file>, object/<md5>/<size or nothing>, manifest/<id> or
// part/<upload>/<number>/<md5>.
func (s *Server) sign(ctx context.Context, method string, parts ...string) string {
	until := strconv.FormatInt(time.Now().Add(signedFor).Unix(), 10)
	p := escape(append([]string{"storage"}, parts...))
	base, _ := ctx.Value(baseKey{}).(string)
	return base + p + "?until=" + until + "&sig=" + s.signature(method, p, until)
}

// place is a URL for a client that shows who it is.
func place(ctx context.Context, parts ...string) string {
	base, _ := ctx.Value(baseKey{}).(string)
	return base + escape(parts)
}

func escape(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}

func (s *Server) signature(method, escapedPath, until string) string {
	h := hmac.New(sha256.New, s.secret)
	_, _ = io.WriteString(h, method+" "+escapedPath+" "+until)
	return hex.EncodeToString(h.Sum(nil))
}

// signed lets requests with a good signature in.
func (s *Server) signed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		until := r.URL.Query().Get("until")
		end, err := strconv.ParseInt(until, 10, 64)
		want := s.signature(r.Method, r.URL.EscapedPath(), until)
		switch {
		case err != nil || !hmac.Equal([]byte(want), []byte(r.URL.Query().Get("sig"))):
			s.refuse(w, http.StatusForbidden, fmt.Errorf("%s of a storage URL that was not handed out", r.Method))
		case time.Now().Unix() > end:
			s.refuse(w, http.StatusForbidden, errors.New("the storage URL has expired"))
		case r.Header.Get("Authorization") != "":
			s.refuse(w, http.StatusBadRequest, errors.New("credentials were sent to a storage URL"))
		default:
			next(w, r)
		}
	}
}

// places splits the signed place into its parts.
func places(r *http.Request) []string {
	raw := strings.TrimPrefix(r.URL.EscapedPath(), "/storage/")
	parts := strings.Split(raw, "/")
	for i := range parts {
		parts[i], _ = url.PathUnescape(parts[i]) // signed by us
	}
	return parts
}

// putStorage takes an upload.
func (s *Server) putStorage(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength < 0 {
		s.refuse(w, http.StatusLengthRequired, errors.New("an upload needs a Content-Length"))
		return
	}
	place := places(r)
	recordOf(r.Context()).Operation = "put " + place[0]
	sum, err := s.take(place, r)
	switch {
	case errors.Is(err, store.ErrDigest):
		s.refuse(w, http.StatusBadRequest, err)
	case err != nil:
		s.refuse(w, http.StatusBadRequest, fmt.Errorf("upload: %w", err))
	default:
		if sum != "" {
			w.Header().Set("ETag", strconv.Quote(sum))
		}
		w.WriteHeader(http.StatusOK)
	}
}

// take stores a body. It returns the MD5 of a part.
func (s *Server) take(place []string, r *http.Request) (string, error) {
	switch {
	case place[0] == "run" && len(place) == 3:
		run := s.store.RunByID(place[1])
		if run == nil {
			return "", errors.New("the run is gone")
		}
		return "", run.PutFile(place[2], r.Body)
	case place[0] == "object" && len(place) == 2:
		return place[1], s.store.PutObject(place[1], r.Body)
	case place[0] == "part" && len(place) == 4:
		n, err := strconv.Atoi(place[2])
		if err != nil {
			return "", err
		}
		sum, err := s.store.PutPart(place[1], n, r.Body)
		if err != nil {
			return "", err
		}
		announced, _ := base64.StdEncoding.DecodeString(r.Header.Get("Content-MD5"))
		if sum != place[3] || len(announced) > 0 && hex.EncodeToString(announced) != sum {
			return "", fmt.Errorf("%w: part %d has %s", store.ErrDigest, n, sum)
		}
		return sum, nil
	}
	return "", fmt.Errorf("no place %q", place)
}

// getStorage serves what a URL stands for.
func (s *Server) getStorage(w http.ResponseWriter, r *http.Request) {
	place := places(r)
	switch {
	case place[0] == "run" && len(place) == 3:
		if run := s.store.RunByID(place[1]); run != nil {
			s.serveRunFile(w, r, run, place[2])
			return
		}
	case place[0] == "object" && len(place) >= 2:
		s.serveObject(w, r, place[1])
		return
	}
	s.refuse(w, http.StatusNotFound, fmt.Errorf("nothing is stored at %s", r.URL.Path))
}

func (s *Server) serveRunFile(w http.ResponseWriter, r *http.Request, run *store.Run, name string) {
	f, err := run.OpenFile(name)
	if err != nil {
		s.refuse(w, http.StatusNotFound, fmt.Errorf("run file: %w", errors.Unwrap(err)))
		return
	}
	defer f.Close()
	http.ServeContent(w, r, path.Base(name), time.Time{}, f)
}

func (s *Server) serveObject(w http.ResponseWriter, r *http.Request, md5hex string) {
	f, err := s.store.OpenObject(md5hex)
	if err != nil {
		s.refuse(w, http.StatusNotFound, fmt.Errorf("nothing has the MD5 %s", md5hex))
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", strconv.Quote(md5hex))
	http.ServeContent(w, r, "", time.Time{}, f)
}

// runFile serves a file of a run to its owner.
func (s *Server) runFile(w http.ResponseWriter, r *http.Request) {
	run := s.store.Run(r.PathValue("entity"), r.PathValue("project"), r.PathValue("run"))
	if run == nil {
		s.refuse(w, http.StatusNotFound, errors.New("no such run"))
		return
	}
	s.serveRunFile(w, r, run, r.PathValue("name"))
}

// artifactV2 serves a file of an artifact by the MD5 in its URL:
// .../<md5 hex>/<file name>.
func (s *Server) artifactV2(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.PathValue("rest"), "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if raw, err := hex.DecodeString(parts[i]); err == nil && len(raw) == 16 {
			s.serveObject(w, r, parts[i])
			return
		}
	}
	s.refuse(w, http.StatusNotFound, fmt.Errorf("no MD5 in %s", r.URL.Path))
}
