package runapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/auth"
)

// LoginOptions say who logs in where. The zero value checks the key that is there.
type LoginOptions struct {
	Key     api.Key // to be kept, made with api.NewKey; zero: the one that is there
	BaseURL string  // of the server; default: as Settings.BaseURL

	// Ask is called for a key when there is none, or with Relogin: nothing here
	// reads a terminal. nil: nobody can be asked.
	Ask func(ctx context.Context, server string) (api.Key, error)

	Relogin     bool     // ask though there is a key
	NoVerify    bool     // do not ask the server whose key it is
	InsecureTLS bool     // do not verify the server's certificate
	Environ     []string // instead of os.Environ; empty and not nil is no environment
}

// Account is who a server knows us as.
type Account struct {
	Server string // base URL
	User   string // "" when the server was not asked
	Entity string // where runs go by default; "" when the server was not asked
	Origin string // of the key: a variable, the netrc file, or "the key given"
}

// Login finds or takes a key for a server, asks the server whose it is, and keeps
// a key that was given or asked for in the netrc file, where every run and the
// official client find it. Programs that only want their own run sent set
// Settings.APIKey or WANDB_API_KEY instead and need no login. There are no
// anonymous accounts.
//
// The error is ErrNotLoggedIn when there is no key and nobody to ask, or the
// server does not take it; else it is about the form of the key, the server, or
// the file. Keys are in no error.
func Login(ctx context.Context, o LoginOptions) (Account, error) {
	a, err := login(ctx, &o)
	if err != nil {
		return a, fmt.Errorf("log in: %w", err)
	}
	return a, nil
}

func login(ctx context.Context, o *LoginOptions) (Account, error) {
	from := auth.NewSource(environ(o.Environ), "")
	from.BaseURL = o.BaseURL
	server, err := auth.Locate(from)
	if err != nil {
		return Account{}, err
	}
	known, err := o.credential(ctx, server, from)
	if err != nil {
		return Account{Server: server.URL}, err
	}
	a := Account{Server: server.URL, Origin: known.Origin}
	if !o.NoVerify {
		if err := a.verify(ctx, o, server, from, known); err != nil {
			return a, err
		}
	}
	if known.Origin == keyGiven {
		return a, auth.Store(from.NetrcPath(), server.URL, known.Key)
	}
	return a, nil
}

// keyGiven is the origin of a key that is to be kept.
const keyGiven = "the key given"

// credential is the key that was given or asked for, else the one that is there.
func (o *LoginOptions) credential(ctx context.Context, server auth.Server, from auth.Source) (*auth.Credential, error) {
	key := o.Key
	if key.IsZero() {
		known, err := auth.Find(server, from)
		if known != nil && !o.Relogin {
			return known, nil
		}
		if o.Ask == nil && err == nil {
			err = errNobody
		}
		if o.Ask == nil {
			return nil, keyless{err}
		}
		if key, err = o.Ask(ctx, server.URL); err != nil {
			return nil, err
		}
		if key.IsZero() {
			return nil, keyless{errNobody}
		}
	}
	if server.FromWorkspace {
		return nil, fmt.Errorf("%w: %s has base_url = %s; name the server that the key is for", auth.ErrWorkspaceServer, server.Origin, server.URL)
	}
	return &auth.Credential{Key: key, Origin: keyGiven}, auth.CheckKey(key.Reveal())
}

// errNobody is told when a key is wanted.
var errNobody = errors.New("no key was given")

// verify asks the server whose the credentials are.
func (a *Account) verify(ctx context.Context, o *LoginOptions, server auth.Server, from auth.Source, known *auth.Credential) error {
	ao := api.Options{UserAgent: "wandb-agent/" + wandb.Version, RetryMax: 2, RetryWaitMax: 5 * time.Second, InsecureTLS: o.InsecureTLS}
	if err := auth.Complete(&ao, server, from.Environ); err != nil {
		return err
	}
	client, err := known.Client(ao)
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	user, err := client.Viewer(ctx)
	switch {
	case err == nil:
		a.User, a.Entity = user.Username, user.Entity
		return nil
	case api.Classify(err, api.GraphQL) == api.Auth:
		return keyless{fmt.Errorf("%s does not accept %s: %w", server.URL, known.Origin, err)}
	}
	return fmt.Errorf("ask %s whose key it is: %w", server.URL, err)
}
