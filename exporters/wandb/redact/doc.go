// Package redact masks secrets in text that is about to be stored or shown:
// arguments, settings, git remotes and console lines.
//
//	r := redact.New(os.Environ())
//	r.Args(argv)                 --api-key=*** and the argument after --token
//	r.URL(remote)                https://***@host/path
//	dst = r.Append(dst, line)    one console line; bytes without a secret are copied as they are
//
// What is masked:
//
//   - the exact values of environment variables whose name says that they hold
//     a secret (WANDB_API_KEY, HF_TOKEN, ...), wherever they appear;
//   - values given to a flag or variable with such a name: a part of the name
//     ends in key, token, secret, password, passwd, passphrase, credential;
//   - user and password in URLs, and what follows "Authorization:" or "Bearer";
//   - tokens known by their shape: W&B keys (40 and more hex digits, with or
//     without a prefix such as local-), AWS, Hugging Face, GitHub, GitLab,
//     OpenAI, Anthropic, Slack, Google keys, and JSON web tokens.
//
// A git commit id printed on the console has the shape of a W&B key and is
// masked too. A secret of unknown shape, under an innocent name, cannot be
// recognised. Secrets that span lines are masked line by line only.
package redact
