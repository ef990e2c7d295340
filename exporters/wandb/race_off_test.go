//go:build !race

package wandb_test

const raceEnabled = false
