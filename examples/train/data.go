package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Shape of the data: data/README.md says where it comes from.
const (
	pixels  = 64
	classes = 10
	maxInk  = 16
)

//go:embed data/digits.csv.gz
var digits []byte

// dataset is a list of images with their digits.
type dataset struct {
	x []([pixels]float32) // ink of each pixel, 0 to 1
	y []int
}

// loadDigits reads the embedded images and splits them, shuffled by seed, into
// a part to train on and a part to check on.
func loadDigits(seed uint64, share float64) (train, val dataset, err error) {
	all, err := parseDigits(bytes.NewReader(digits))
	if err != nil {
		return train, val, fmt.Errorf("read digits: %w", err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	rng.Shuffle(len(all.y), func(i, j int) {
		all.x[i], all.x[j] = all.x[j], all.x[i]
		all.y[i], all.y[j] = all.y[j], all.y[i]
	})
	n := int(float64(len(all.y)) * share)
	return dataset{all.x[n:], all.y[n:]}, dataset{all.x[:n], all.y[:n]}, nil
}

func parseDigits(r io.Reader) (d dataset, err error) {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return d, err
	}
	lines := bufio.NewScanner(zr)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ",")
		if len(fields) != pixels+1 {
			return d, fmt.Errorf("line %d: %d fields, want %d", len(d.y)+1, len(fields), pixels+1)
		}
		var image [pixels]float32
		for i := range image {
			v, err := strconv.Atoi(fields[i])
			if err != nil || v < 0 || v > maxInk {
				return d, fmt.Errorf("line %d: pixel %q", len(d.y)+1, fields[i])
			}
			image[i] = float32(v) / maxInk
		}
		digit, err := strconv.Atoi(fields[pixels])
		if err != nil || digit < 0 || digit >= classes {
			return d, fmt.Errorf("line %d: digit %q", len(d.y)+1, fields[pixels])
		}
		d.x, d.y = append(d.x, image), append(d.y, digit)
	}
	return d, lines.Err()
}
