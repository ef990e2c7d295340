//go:build !race

package runapi

const raceEnabled = false
