package faults

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Kind is a way to misbehave.
type Kind string

// The kinds, and what each uses of its Action beside Delay.
const (
	Pass       Kind = "pass"        // the handler answers, after Delay
	Answer     Kind = "answer"      // Status, Header and Body in the place of the handler
	Hang       Kind = "hang"        // no answer until the client leaves
	Reset      Kind = "reset"       // RST once Bytes of the request's body arrived
	StoreDrop  Kind = "store-drop"  // the handler does its work, and RST in the place of its answer
	CutAnswer  Kind = "cut-answer"  // RST after Bytes of the handler's answer, whose length was announced
	SlowAnswer Kind = "slow-answer" // the handler's answer byte by byte, Delay between two
	LongAnswer Kind = "long-answer" // the handler's answer with Bytes more announced than sent
	BadGzip    Kind = "bad-gzip"    // an answer that says gzip and is not
	Bomb       Kind = "bomb"        // Bytes zeros, compressed
)

// An Action is what happens to a request.
type Action struct {
	Kind   Kind              `json:"kind"`
	Delay  Duration          `json:"delay,omitzero"`
	Status int               `json:"status,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
	Bytes  int64             `json:"bytes,omitempty"`
}

// Status answers with a status and nothing else.
func Status(status int) Action { return Action{Kind: Answer, Status: status} }

// RetryLater answers with a status and a Retry-After header: seconds or a date.
func RetryLater(status int, after string) Action {
	return Action{Kind: Answer, Status: status, Header: map[string]string{"Retry-After": after}}
}

// HTML answers as login pages of networks do: 200 and a page.
func HTML() Action {
	return Action{Kind: Answer, Status: 200, Header: map[string]string{"Content-Type": "text/html"}, Body: "<!DOCTYPE html><title>Sign in</title><p>Accept the terms to go on.\n"}
}

// Empty answers 200 without a body.
func Empty() Action { return Status(200) }

// Redirect sends the client to another address.
func Redirect(status int, location string) Action {
	return Action{Kind: Answer, Status: status, Header: map[string]string{"Location": location}}
}

// A Match says which requests a rule is for. Empty fields fit any request.
type Match struct {
	Method    string `json:"method,omitempty"`
	Path      string `json:"path,omitempty"`      // part of the request's path
	Operation string `json:"operation,omitempty"` // of a GraphQL request
	Nth       int    `json:"nth,omitempty"`       // only the nth request that fits, from 1; 0: each
	Times     int    `json:"times,omitempty"`     // at most so many; 0: no end
}

// A Rule is an action and the requests that it befalls.
type Rule struct {
	Match
	Action Action `json:"action"`
}

// On makes a Rule for every request that fits m.
func On(m Match, a Action) Rule { return Rule{m, a} }

// Next makes a Rule for the next n requests whose path or GraphQL operation is
// what.
func Next(n int, what string, a Action) Rule {
	m := Match{Operation: what, Times: n}
	if what != "" && what[0] == '/' {
		m = Match{Path: what, Times: n}
	}
	return Rule{m, a}
}

// Parse reads rules from JSON: a list of objects with the fields of Match and
// an action. Unknown kinds are an error.
func Parse(data []byte) ([]Rule, error) {
	var rules []Rule
	if err := json.Unmarshal(data, &rules); err != nil {
		return nil, fmt.Errorf("parse faults: %w", err)
	}
	for i, r := range rules {
		switch r.Action.Kind {
		case Pass, Answer, Hang, Reset, StoreDrop, CutAnswer, SlowAnswer, LongAnswer, BadGzip, Bomb:
		default:
			return nil, fmt.Errorf("parse faults: rule %d: unknown kind %q", i+1, r.Action.Kind)
		}
		if s := r.Action.Status; r.Action.Kind == Answer && (s < 200 || s > 999) {
			return nil, fmt.Errorf("parse faults: rule %d: status %d is no status of an answer", i+1, s)
		}
		if r.Action.Bytes < 0 || r.Action.Delay < 0 || r.Nth < 0 || r.Times < 0 {
			return nil, fmt.Errorf("parse faults: rule %d: a number is negative", i+1)
		}
	}
	return rules, nil
}

// A Duration is written as in "1.5s".
type Duration time.Duration

// MarshalText writes d as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}
