package server

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

//go:embed schema.graphql
var schemaText string

// maxQuery is the longest GraphQL request, in bytes.
const maxQuery = 64 << 20

// graphql answers a query. One that the schema does not allow is status 400,
// as is one without a query; errors of an operation come with status 200.
func (s *Server) graphql(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Query         string          `json:"query"`
		OperationName string          `json:"operationName"`
		Variables     json.RawMessage `json:"variables"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuery))
	if err == nil {
		err = json.Unmarshal(body, &req)
	}
	if err != nil || req.Query == "" {
		s.refuse(w, http.StatusBadRequest, fmt.Errorf("graphql: no query: %w", errors.Join(err)))
		return
	}
	var vars map[string]any
	if len(req.Variables) > 0 {
		if err := json.Unmarshal(req.Variables, &vars); err != nil {
			s.refuse(w, http.StatusBadRequest, fmt.Errorf("graphql: variables: %w", err))
			return
		}
	}
	rec := recordOf(r.Context())
	rec.Operation, rec.Query, rec.Variables = operationName(req.OperationName, req.Query), req.Query, req.Variables
	if errs := s.schema.ValidateWithVariables(req.Query, vars); len(errs) > 0 {
		s.violate("graphql %s: %v", rec.Operation, errs[0])
		writeJSON(w, http.StatusBadRequest, map[string]any{"errors": errs})
		return
	}
	ctx := withBase(r.Context(), s.base(r))
	resp := s.schema.Exec(ctx, req.Query, req.OperationName, vars)
	for _, e := range resp.Errors {
		rec.Error = e.Message
		if r.Context().Err() == nil { // a client that went away broke no rule
			s.violate("graphql %s: %s", rec.Operation, e.Message)
		}
	}
	writeJSON(w, http.StatusOK, resp)
}

// operationName is the name in the text when the request does not give it.
func operationName(name, query string) string {
	if name != "" {
		return name
	}
	words := strings.Fields(query)
	if len(words) < 2 || words[0] != "query" && words[0] != "mutation" {
		return ""
	}
	name, _, _ = strings.Cut(words[1], "(")
	name, _, _ = strings.Cut(name, "{")
	return name
}
