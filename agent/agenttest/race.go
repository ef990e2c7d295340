//go:build race

package agenttest

const underRace = true
