package server

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/stream"
)

// maxStream is the longest body of the file stream: clients send about ten
// megabytes of lines, which grow when they are quoted.
const maxStream = 64 << 20

// fileStream stores lines of a run.
func (s *Server) fileStream(w http.ResponseWriter, r *http.Request) {
	run := s.store.Run(r.PathValue("entity"), r.PathValue("project"), r.PathValue("run"))
	if run == nil {
		s.refuse(w, http.StatusNotFound, fmt.Errorf("file stream: there is no run %s", r.URL.Path))
		return
	}
	body, err := s.streamBody(w, r)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, fmt.Errorf("file stream: %w", err))
		return
	}
	rec := recordOf(r.Context())
	rec.Operation = "file_stream"
	if len(body) <= 1<<20 {
		rec.Body = body
	}
	req, err := stream.Parse(body)
	if err != nil {
		rec.Body = nil
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	key := run.Facts().StorageID + r.Header.Get("X-WANDB-ASYNC-CLIENT-ID")
	if !s.enter(key) {
		s.violate("file stream: two requests of one writer at a time")
	}
	defer s.leave(key)
	client := ""
	if r.Header.Get("X-WANDB-USE-ASYNC-FILESTREAM") == "true" {
		client = r.Header.Get("X-WANDB-ASYNC-CLIENT-ID")
		if client == "" {
			s.refuse(w, http.StatusBadRequest, errors.New("file stream: shared mode without a client id"))
			return
		}
	}
	if err := run.Apply(req, client); err != nil {
		s.refuse(w, statusOf(err), fmt.Errorf("file stream: %w", err))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"stopped": run.Facts().Stopped, "limits": map[string]any{}, "exitcode": nil})
}

// statusOf says it to clients: lines that do not follow what is there are a
// conflict, since another writer may have been faster.
func statusOf(err error) int {
	if errors.Is(err, store.ErrGap) || errors.Is(err, store.ErrChanged) {
		return http.StatusConflict
	}
	return http.StatusBadRequest
}

func (s *Server) streamBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body := io.Reader(http.MaxBytesReader(w, r.Body, maxStream))
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "":
		if r.ContentLength > 0 && r.ContentLength <= maxStream {
			text := make([]byte, r.ContentLength)
			_, err := io.ReadFull(body, text)
			return text, err
		}
	case "gzip":
		if !s.o.Features["FILESTREAM_GZIP"] {
			return nil, errors.New("gzip was not offered")
		}
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = io.LimitReader(z, maxStream)
	default:
		return nil, fmt.Errorf("content encoding %q", enc)
	}
	return io.ReadAll(body)
}

// enter and leave notice writers that do not wait for an answer.
func (s *Server) enter(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inflight[key]++
	return s.inflight[key] == 1
}

func (s *Server) leave(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inflight[key]--; s.inflight[key] == 0 {
		delete(s.inflight, key)
	}
}
