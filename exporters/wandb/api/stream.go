package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A StreamReply is what a server answers to a request of the file stream.
type StreamReply struct {
	Stopped bool           // somebody asked the run to stop
	Limits  map[string]any // wishes of the server, such as heartbeat_seconds; often nil
	Rate    *Rate          // nil when the server did not say
}

// A Rate is how many requests a server still takes.
type Rate struct {
	Remaining float64       // requests
	Reset     time.Duration // until there are more
}

// FileStream sends one request of the file stream: body is the JSON document.
// It tries once; the caller repeats the same body, after the wait of
// StreamRetry, while Classify under Stream says Retry. A nil error means that
// the server has what was sent.
func (c *Client) FileStream(ctx context.Context, entity, project, run string, body []byte) (*StreamReply, error) {
	const op = "file_stream"
	ctx, cancel := context.WithTimeout(ctx, c.o.StreamTimeout)
	defer cancel()
	h := http.Header{"Content-Type": {"application/json"}}
	if c.o.Shared != nil {
		h.Set("X-WANDB-USE-ASYNC-FILESTREAM", "true")
		h.Set("X-WANDB-ASYNC-CLIENT-ID", c.o.Shared.ClientID)
	}
	address := c.base.String() + "/files/" + url.PathEscape(entity) + "/" + url.PathEscape(project) + "/" + url.PathEscape(run) + "/file_stream"
	answer, data, err := c.post(ctx, op, address, h, body, maxStreamBody)
	if err != nil {
		return nil, err
	}
	var doc *struct {
		Stopped bool
		Limits  json.RawMessage
	}
	if json.Unmarshal(data, &doc) != nil || doc == nil {
		return nil, &Error{Op: op, Status: http.StatusOK, Err: ErrNotJSON}
	}
	reply := &StreamReply{Stopped: doc.Stopped, Rate: rateOf(answer)}
	if json.Unmarshal(doc.Limits, &reply.Limits) != nil {
		reply.Limits = nil // wishes that are no object bind nobody
	}
	return reply, nil
}

// rateOf reads the RateLimit headers; nil unless both are numbers.
func rateOf(h http.Header) *Rate {
	left, err := strconv.ParseFloat(h.Get("RateLimit-Remaining"), 64)
	reset, err2 := strconv.ParseFloat(h.Get("RateLimit-Reset"), 64)
	if err != nil || err2 != nil || !(left >= 0) || !(reset >= 0) || reset > 1e6 {
		return nil
	}
	return &Rate{Remaining: left, Reset: time.Duration(reset * float64(time.Second))}
}
