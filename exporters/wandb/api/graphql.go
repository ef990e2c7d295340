package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// An operation is a GraphQL text and its name, which servers also know.
type operation struct{ name, text string }

// vars are the variables of an operation.
type vars map[string]any

// null returns text, or nil when it is empty: servers take "" for a value.
func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// query runs an operation until it has an answer, fails for good, has been
// repeated as often as the policy allows, or ctx ends. The data of the answer
// is decoded into out.
func (c *Client) query(ctx context.Context, op operation, v vars, out any, p Policy) error {
	body, err := json.Marshal(map[string]any{"query": op.text, "variables": v, "operationName": op.name})
	if err != nil {
		return &Error{Op: op.name, Err: fmt.Errorf("%w: %w", errBadRequest, err)}
	}
	return c.repeat(ctx, op.name, c.retry, p, func(ctx context.Context) error {
		return c.queryOnce(ctx, op.name, body, out)
	})
}

// repeat calls try until Classify has a verdict other than Retry, at most as
// often as r allows.
func (c *Client) repeat(ctx context.Context, op string, r RetryPolicy, p Policy, try func(context.Context) error) error {
	for n := 0; ; n++ {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return &Error{Op: op, Err: fmt.Errorf("%w (try %d: %w)", context.Cause(ctx), n+1, err)}
		}
		if n >= r.Max || Classify(err, p) != Retry {
			return err
		}
		wait := r.Wait(n, err)
		c.logger.Debug("request is repeated", slog.String("op", op), slog.Int("try", n+1), slog.Duration("wait", wait), slog.Any("error", err))
		if stopped := Sleep(ctx, wait); stopped != nil {
			return &Error{Op: op, Err: fmt.Errorf("%w (try %d: %w)", context.Cause(ctx), n+1, err)}
		}
	}
}

func (c *Client) queryOnce(ctx context.Context, op string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	h := http.Header{"Content-Type": {"application/json"}}
	if c.o.Shared != nil {
		h.Set("X-WANDB-USE-ASYNC-FILESTREAM", "true")
		h.Set("X-WANDB-CLIENT-ID", c.o.Shared.ClientID)
	}
	_, data, err := c.post(ctx, op, c.base.JoinPath("graphql").String(), h, body, maxReply)
	if err != nil {
		return err
	}
	return decode(op, data, out)
}

// post sends a body of the type in h to an address below the base URL, once, and returns the
// header and the body of an answer with a status from 200 to 299.
func (c *Client) post(ctx context.Context, op, address string, h http.Header, body []byte, limit int64) (http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, nil, &Error{Op: op, Err: fmt.Errorf("%w: %w", errBadRequest, cause(err))}
	}
	r.Header = h
	if err := c.sign(ctx, r); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", op, err) // an *Error when the server refused the token
	}
	start := time.Now()
	resp, err := c.api.Do(r)
	if err != nil {
		return nil, nil, &Error{Op: op, Err: cause(err)}
	}
	defer resp.Body.Close()
	c.logger.Debug("request", slog.String("op", op), slog.Int("bytes", len(body)), slog.Int("status", resp.StatusCode), slog.Duration("took", time.Since(start)))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, nil, failure(op, resp)
	}
	data, err := readReply(resp.Body, limit)
	if err != nil {
		return nil, nil, &Error{Op: op, Status: http.StatusOK, Err: err}
	}
	return resp.Header, data, nil
}

// decode takes the data out of a GraphQL answer.
func decode(op string, body []byte, out any) error {
	var reply struct {
		Data   json.RawMessage
		Errors []message
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return &Error{Op: op, Status: http.StatusOK, Err: ErrNotJSON}
	}
	if len(reply.Errors) > 0 {
		return &Error{Op: op, Status: http.StatusOK, Messages: reasons(reply.Errors)}
	}
	if len(reply.Data) == 0 || string(reply.Data) == "null" {
		return &Error{Op: op, Status: http.StatusOK, Err: ErrNotJSON}
	}
	if err := json.Unmarshal(reply.Data, out); err != nil {
		return &Error{Op: op, Status: http.StatusOK, Err: fmt.Errorf("%w: %w", ErrNotJSON, err)}
	}
	return nil
}

// reasons are what the server said, and that it said nothing.
func reasons(list []message) []string {
	if found := said(list); len(found) > 0 {
		return found
	}
	return []string{"the server gives no reason"}
}

// lacking is the Error of an answer that leaves out what was asked for.
func lacking(op operation, what string) error {
	return &Error{Op: op.name, Status: http.StatusOK, Err: fmt.Errorf("the answer has no %s", what)}
}
