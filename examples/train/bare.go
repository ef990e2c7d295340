//go:build bare

// The same training without runapi, to weigh what runapi adds to a binary:
//
//	go run -tags bare ./examples/train
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

func main() {
	seconds := flag.Float64("seconds", 12, "end after this time")
	flag.Parse()
	if err := train(*seconds); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

func train(seconds float64) error {
	const batch, hidden, seed = 32, 128, 1
	data, val, err := loadDigits(seed, 0.2)
	if err != nil {
		return err
	}
	m, rng, began := newModel(hidden, seed), rand.New(rand.NewPCG(seed, 3)), time.Now()
	for time.Since(began).Seconds() < seconds {
		order := rng.Perm(len(data.y))
		for ; len(order) >= batch; order = order[batch:] {
			m.train(&data, order[:batch], 0.02, 0.9)
		}
	}
	fmt.Printf("done: val acc %.4f\n", m.evaluate(&val).accuracy)
	return nil
}
