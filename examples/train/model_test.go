package main

import (
	"math"
	"testing"
)

func TestDigits(t *testing.T) {
	train, val, err := loadDigits(1, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(train.y) + len(val.y); n != 1797 || len(val.y) != 359 {
		t.Errorf("got %d images, %d to check on, want 1797 and 359", n, len(val.y))
	}
}

// TestGradient compares the gradients with finite differences.
func TestGradient(t *testing.T) {
	train, _, err := loadDigits(1, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	one := dataset{train.x[:1], train.y[:1]}
	for _, at := range []int{0, 70, 1000} {
		m := newModel(32, 3)
		const h = 1e-2
		m.w1.p[at] += h
		up := m.evaluate(&one).loss
		m.w1.p[at] -= 2 * h
		down := m.evaluate(&one).loss
		m.w1.p[at] += h
		before := m.w1.p[at]
		m.train(&one, []int{0}, 1, 0)
		got, want := float64(before-m.w1.p[at]), (up-down)/(2*h)
		if math.Abs(got-want) > 1e-3 {
			t.Errorf("gradient of weight %d = %v, finite difference %v", at, got, want)
		}
	}
}

func TestLearns(t *testing.T) {
	train, val, err := loadDigits(1, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(32, 1)
	batch := make([]int, 32)
	for step := range 600 {
		for i := range batch {
			batch[i] = (step*len(batch) + i) % len(train.y)
		}
		m.train(&train, batch, 0.1, 0.9)
	}
	if s := m.evaluate(&val); s.accuracy < 0.9 {
		t.Errorf("accuracy after 600 steps = %v, want at least 0.9", s.accuracy)
	}
}
