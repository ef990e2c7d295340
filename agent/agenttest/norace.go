//go:build !race

package agenttest

const underRace = false
