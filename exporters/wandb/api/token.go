package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of a token exchange, which a user waits for.
var exchangeRetry = RetryPolicy{Max: 3, WaitMin: time.Second, WaitMax: 5 * time.Second}

const (
	exchangeTry   = 10 * time.Second
	exchangeTotal = time.Minute
)

// ExchangeToken gives an identity token, a JWT, for an access token and the
// time that it lasts. The client needs no credentials for it. Every 4xx but 429
// is final.
func (c *Client) ExchangeToken(ctx context.Context, jwt string) (token string, lasts time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTotal)
	defer cancel()
	const op = "token exchange"
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {jwt}}.Encode()
	var reply struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"` // seconds
	}
	err = c.repeat(ctx, op, exchangeRetry, Transfer, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, exchangeTry)
		defer cancel()
		h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		_, data, err := c.post(ctx, op, c.base.String()+"/oidc/token", h, []byte(form), maxStreamBody)
		if err != nil {
			return err
		}
		if json.Unmarshal(data, &reply) != nil || reply.AccessToken == "" || strings.ContainsAny(reply.AccessToken, " \r\n") {
			return &Error{Op: op, Status: http.StatusOK, Err: ErrNotJSON}
		}
		return nil
	})
	return reply.AccessToken, time.Duration(min(max(reply.ExpiresIn, 0), 1e8) * float64(time.Second)), err
}
