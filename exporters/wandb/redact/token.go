package redact

import "bytes"

// prefixes start tokens of known services; min is the length of the shortest
// token including the prefix.
var prefixes = []struct {
	text string
	min  int
}{
	{"AKIA", 20}, {"ASIA", 20}, // AWS access key ids
	{"hf_", 24}, // Hugging Face
	{"ghp_", 30}, {"gho_", 30}, {"ghu_", 30}, {"ghs_", 30}, {"ghr_", 30}, {"github_pat_", 40},
	{"glpat-", 20},               // GitLab
	{"sk-", 20},                  // OpenAI, Anthropic
	{"xoxb-", 20}, {"xoxp-", 20}, // Slack
	{"AIza", 35},      // Google
	{"wandb_v1_", 20}, // W&B
	{"nvapi-", 20},    // NVIDIA
}

// minKey is the length of a W&B key: 40 hex digits.
const minKey = 40

// token finds a token in word, which is followed by rest, and returns where it
// starts and how long it is; 0, 0 when there is none.
func token(word, rest []byte) (from, n int) {
	for i := range prefixes {
		p := &prefixes[i]
		if word[0] == p.text[0] && len(word) >= p.min && bytes.HasPrefix(word, []byte(p.text)) {
			return 0, len(word)
		}
	}
	if len(word) >= minKey {
		if from, n := hexRun(word); n > 0 {
			return from, n
		}
	}
	// A JSON web token: three parts of base64url; the first encodes {"
	if bytes.HasPrefix(word, []byte("eyJ")) && len(rest) > minToken && rest[0] == '.' {
		return 0, len(word) + valueLen(rest)
	}
	return 0, 0
}

// hexRun finds the first stretch of at least minKey hex digits in word.
func hexRun(word []byte) (from, n int) {
	run := 0
	for i, c := range word {
		if class[c]&hexByte != 0 {
			run++
			continue
		}
		if run >= minKey {
			return i - run, run
		}
		run = 0
	}
	if run >= minKey {
		return len(word) - run, run
	}
	return 0, 0
}
