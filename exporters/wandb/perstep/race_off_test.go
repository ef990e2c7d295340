//go:build !race

package perstep

const raceEnabled = false
