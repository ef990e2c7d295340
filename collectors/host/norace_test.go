//go:build linux && !race

package host

const raceEnabled = false
