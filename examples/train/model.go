package main

import (
	"math"
	"math/rand/v2"
)

// model is a network of two layers: pixels → hidden units (ReLU) → classes
// (softmax), trained by stochastic gradient descent with momentum.
type model struct {
	hidden int
	w1, w2 layer
	act    []float32 // hidden activations of the last image
	out    [classes]float32
	grad   []float32 // of the hidden activations
}

// layer is a matrix of weights with one bias per unit, the sums of their
// gradients over a batch, and their velocities. Parameters of unit u are
// p[u*(in+1):], the bias last.
type layer struct {
	in, units int
	p, g, v   []float32
}

func newLayer(in, units int, rng *rand.Rand) layer {
	n := units * (in + 1)
	l := layer{in, units, make([]float32, n), make([]float32, n), make([]float32, n)}
	scale := math.Sqrt(2 / float64(in))
	for i := range l.p {
		if i%(in+1) != in {
			l.p[i] = float32(rng.NormFloat64() * scale)
		}
	}
	return l
}

// forward computes the units' sums for input x.
func (l *layer) forward(x, sums []float32) {
	for u := range l.units {
		w := l.p[u*(l.in+1) : (u+1)*(l.in+1)]
		sum := w[l.in]
		for i, v := range x {
			sum += w[i] * v
		}
		sums[u] = sum
	}
}

// backward adds the gradients of one image, given those of the units, and
// those of the input to dx where it is not nil.
func (l *layer) backward(x, dunits, dx []float32) {
	for u, d := range dunits {
		if d == 0 {
			continue
		}
		w, g := l.p[u*(l.in+1):(u+1)*(l.in+1)], l.g[u*(l.in+1):(u+1)*(l.in+1)]
		g[l.in] += d
		for i, v := range x {
			g[i] += d * v
		}
		for i := range dx {
			dx[i] += d * w[i]
		}
	}
}

// step moves the parameters against the mean gradient of n images.
func (l *layer) step(lr, momentum float32, n int) (norm float64) {
	for i, g := range l.g {
		g /= float32(n)
		norm += float64(g) * float64(g)
		l.v[i] = momentum*l.v[i] - lr*g
		l.p[i] += l.v[i]
		l.g[i] = 0
	}
	return norm
}

func newModel(hidden int, seed uint64) *model {
	rng := rand.New(rand.NewPCG(seed, 2))
	return &model{
		hidden: hidden,
		w1:     newLayer(pixels, hidden, rng), w2: newLayer(hidden, classes, rng),
		act: make([]float32, hidden), grad: make([]float32, hidden),
	}
}

// classify returns the probability of each digit, valid until the next call.
func (m *model) classify(x *[pixels]float32) *[classes]float32 {
	m.w1.forward(x[:], m.act)
	for i, a := range m.act {
		m.act[i] = max(a, 0)
	}
	m.w2.forward(m.act, m.out[:])
	top := m.out[0]
	for _, v := range m.out[1:] {
		top = max(top, v)
	}
	var sum float32
	for i, v := range m.out {
		m.out[i] = float32(math.Exp(float64(v - top)))
		sum += m.out[i]
	}
	for i := range m.out {
		m.out[i] /= sum
	}
	return &m.out
}

// score is what a pass over images measured.
type score struct {
	loss     float64 // mean cross entropy in nats
	accuracy float64 // share of images classified right, 0 to 1
	gradNorm float64 // length of the mean gradient; 0 when not training
}

func (s *score) add(p *[classes]float32, digit int) {
	s.loss -= math.Log(math.Max(float64(p[digit]), 1e-12))
	best := 0
	for c := range p {
		if p[c] > p[best] {
			best = c
		}
	}
	if best == digit {
		s.accuracy++
	}
}

func (s *score) mean(n int) {
	s.loss /= float64(n)
	s.accuracy /= float64(n)
}

// train makes one step on the images of d listed in batch.
func (m *model) train(d *dataset, batch []int, lr, momentum float32) (s score) {
	for _, i := range batch {
		p := m.classify(&d.x[i])
		s.add(p, d.y[i])
		p[d.y[i]]-- // gradient of cross entropy and softmax together
		clear(m.grad)
		m.w2.backward(m.act, p[:], m.grad)
		for u, a := range m.act {
			if a == 0 {
				m.grad[u] = 0
			}
		}
		m.w1.backward(d.x[i][:], m.grad, nil)
	}
	s.mean(len(batch))
	s.gradNorm = math.Sqrt(m.w1.step(lr, momentum, len(batch)) + m.w2.step(lr, momentum, len(batch)))
	return s
}

// evaluate measures all of d without learning.
func (m *model) evaluate(d *dataset) (s score) {
	for i := range d.x {
		s.add(m.classify(&d.x[i]), d.y[i])
	}
	s.mean(len(d.x))
	return s
}
