package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// tokenLife is how long an access token is good for.
const tokenLife = time.Hour

// identityToken is the shape of a JSON web token.
var identityToken = regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]+$`)

// exchangeToken gives an access token for an identity token. Whether somebody
// vouches for that is not looked into: it is the one of Options, or, with a
// server that takes any key, any.
func (s *Server) exchangeToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	recordOf(r.Context()).Operation = "oidc token"
	given := r.PostFormValue("assertion")
	known := given == s.o.IdentityToken || s.o.IdentityToken == "" && s.o.Key == ""
	switch {
	case r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
		s.refuse(w, http.StatusBadRequest, errors.New("token exchange: the grant type is not known"))
	case !identityToken.MatchString(given) || !known:
		s.refuse(w, http.StatusUnauthorized, errors.New("token exchange: the identity token is not known"))
	default:
		until := strconv.FormatInt(time.Now().Add(tokenLife).Unix(), 10)
		writeJSON(w, http.StatusOK, map[string]any{
			"access_token": until + "." + s.tokenSignature(until), "token_type": "Bearer", "expires_in": int(tokenLife.Seconds()),
		})
	}
}

func (s *Server) tokenSignature(until string) string {
	h := hmac.New(sha256.New, s.secret)
	h.Write([]byte("access token until " + until))
	return hex.EncodeToString(h.Sum(nil))
}

// acceptsToken says whether an access token was given here and is still good.
func (s *Server) acceptsToken(token string) bool {
	until, signature, _ := strings.Cut(token, ".")
	end, err := strconv.ParseInt(until, 10, 64)
	return err == nil && hmac.Equal([]byte(signature), []byte(s.tokenSignature(until))) && time.Now().Unix() < end
}
