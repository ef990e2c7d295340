// Package faults makes a server misbehave the way networks and servers do, on
// demand and one request at a time.
//
//	client ──▶ Proxy ──▶ Server (TLS of Authority, Mode) ──▶ Handler ──┬─▶ the real handler
//	          407, 403     half-open, refused, Restart         rules ──┴─▶ a fault in its place
//
// A Handler stands before any http.Handler and holds rules: what to do with
// which requests, how often. A Server listens on the loopback interface, can be
// stopped and started again at the same address and can stop to answer without
// closing anything. An Authority makes certificates, good and bad. A Proxy is a
// forward proxy with opinions.
//
// Faults that cut connections need HTTP/1.1; a Server speaks nothing else. The
// package knows of W&B only that a GraphQL request has an operationName.
package faults
