// Package auth finds which W&B server to speak to and with what credentials,
// and keeps a key for later.
//
//	flag, WANDB_BASE_URL, settings files ──▶ Locate ──▶ Server ─┐
//	flag, WANDB_API_KEY, netrc ───────────────────────▶ Find ◀──┘ ──▶ Credential ──▶ api.Client
//	login ──▶ Store ──▶ netrc
//
// A server that only a file in the working directory names gets no key of the
// environment: whoever hands a directory on would get the keys of all who work
// in it. The user names the server once, or has an entry for it in netrc.
//
// The netrc file is edited in place: other entries, comments and macros stay as
// they are, byte for byte. The packages that do the same start programs, lose
// text or fail on odd files, hence a parser of its own.
//
// The package reads files that its caller names and no environment. It asks
// nobody for a key; that is the work of the command login.
package auth
