package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/auth"
)

// login is one call of the command.
type login struct {
	*cli
	host              string
	noVerify, relogin bool
	source            auth.Source
	server            auth.Server
}

func (c *cli) loginCmd() *cobra.Command {
	l := &login{cli: c}
	verify := true
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Keep an API key for a W&B server",
		Long: `Asks for an API key, or reads it from standard input when that is no terminal,
asks the server whose key it is, and keeps it in the netrc file, where the Python
client finds it too. Other entries of the file stay as they are.

  wandb-agent login                           the public server
  wandb-agent login --host https://wandb.lan  a server of your own
  wandb-agent login < key-file                without a terminal

A key is never an argument: every user of a machine can read command lines.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("login takes no arguments: every user of this machine can read a key there; write it to standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			l.noVerify = !verify || l.noVerify
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return l.run(ctx)
		},
	}
	cmd.Flags().StringVar(&l.host, "host", "", "base URL of the server")
	cmd.Flags().BoolVar(&verify, "verify", true, "ask the server whose key it is")
	cmd.Flags().BoolVar(&l.noVerify, "no-verify", false, "keep the key without asking the server")
	cmd.Flags().BoolVar(&l.relogin, "relogin", false, "ask for a key though there is one")
	return cmd
}

func (l *login) run(ctx context.Context) error {
	l.source = auth.NewSource(os.Environ(), "")
	l.source.BaseURL = l.host
	var err error
	if l.server, err = auth.Locate(l.source); err != nil {
		return err
	}
	if l.server.FromWorkspace {
		return usagef("%s has base_url = %s: name the server that the key is for with --host", l.server.Origin, l.server.URL)
	}
	known, err := auth.Find(l.server, l.source)
	if err != nil && !errors.Is(err, auth.ErrNone) {
		fmt.Fprintf(l.stderr, "wandb-agent: %v\n", err) // a new key can mend it
	}
	if known != nil && !l.relogin && term.IsTerminal(int(l.stdin.Fd())) {
		return l.already(ctx, known)
	}
	key, err := l.readKey()
	if err != nil {
		return err
	}
	if key.IsZero() {
		if known == nil || l.relogin {
			return usagef("no key on standard input")
		}
		return l.already(ctx, known)
	}
	return l.keep(ctx, key)
}

// already reports the credentials that are there.
func (l *login) already(ctx context.Context, known *auth.Credential) error {
	if l.noVerify {
		fmt.Fprintf(l.stdout, "%s has credentials for %s; --relogin replaces them\n", known.Origin, l.server.URL)
		return nil
	}
	who, err := l.verify(ctx, known)
	if err != nil {
		return err
	}
	fmt.Fprintf(l.stdout, "Logged in to %s as %s, by %s. --relogin replaces the key.\n", l.server.URL, who, known.Origin)
	return nil
}

// keep stores a key that the server accepts.
func (l *login) keep(ctx context.Context, key api.Key) error {
	if err := auth.CheckKey(key.Reveal()); err != nil {
		return err
	}
	who := "someone (not verified)"
	if !l.noVerify {
		var err error
		if who, err = l.verify(ctx, &auth.Credential{Key: key, Origin: "the key given"}); err != nil {
			return err
		}
	}
	path := l.source.NetrcPath()
	if err := auth.Store(path, l.server.URL, key); err != nil {
		return err
	}
	fmt.Fprintf(l.stdout, "Logged in to %s as %s. The key is kept in %s.\n", l.server.URL, who, path)
	if l.source.Environ["WANDB_API_KEY"] != "" {
		fmt.Fprintln(l.stderr, "wandb-agent: WANDB_API_KEY is set and counts before the key that was kept")
	}
	return nil
}

// verify asks the server whose the credentials are.
func (l *login) verify(ctx context.Context, known *auth.Credential) (string, error) {
	o := api.Options{UserAgent: "wandb-agent/" + wandb.Version, RetryMax: 2, RetryWaitMax: 5 * time.Second}
	if err := auth.Complete(&o, l.server, l.source.Environ); err != nil {
		return "", usageError{err}
	}
	client, err := known.Client(o)
	if err != nil {
		return "", usageError{err}
	}
	defer client.CloseIdle()
	user, err := client.Viewer(ctx)
	switch {
	case err == nil:
	case api.Classify(err, api.GraphQL) == api.Auth:
		return "", fmt.Errorf("%s does not accept %s: %w", l.server.URL, known.Origin, err)
	default:
		return "", fmt.Errorf("%s could not be asked (--no-verify skips that): %w", l.server.URL, err)
	}
	who := user.Username
	if user.Entity != "" && user.Entity != user.Username {
		who += " (runs go to " + user.Entity + ")"
	}
	return who, nil
}

// maxKey bounds what is read as a key.
const maxKey = 8192

// readKey reads a key from standard input: from a terminal without showing it,
// from anything else up to its end. It is zero when there is none.
func (l *login) readKey() (api.Key, error) {
	var text []byte
	var err error
	if fd := int(l.stdin.Fd()); term.IsTerminal(fd) {
		fmt.Fprintf(l.stderr, "Key for %s, from %s/authorize: ", l.server.URL, l.appURL())
		text, err = term.ReadPassword(fd)
		fmt.Fprintln(l.stderr)
	} else {
		text, err = io.ReadAll(io.LimitReader(l.stdin, maxKey+1))
	}
	switch {
	case err != nil && err != io.EOF:
		return api.Key{}, fmt.Errorf("read key: %w", err)
	case len(text) > maxKey:
		return api.Key{}, errors.New("read key: this is too long to be a key")
	}
	return api.NewKey(strings.TrimSpace(string(text))), nil
}

// appURL is where people find their key.
func (l *login) appURL() string {
	c, err := api.New(api.Options{BaseURL: l.server.URL, AppOverride: l.source.Environ["WANDB_APP_URL"]})
	if err != nil {
		return l.server.URL
	}
	return c.AppURL()
}
