package server

import "testing"

// TestAccountIsBounded: large bodies push out old requests, numbers go on.
func TestAccountIsBounded(t *testing.T) {
	s := &Server{}
	const n, size = 300, 1 << 20
	for range n {
		s.keep(&Request{Body: make([]byte, size)})
	}
	got := s.Requests(0)
	held := 0
	for _, r := range got {
		held += r.size()
	}
	if held > maxBodies || held != s.bodies || len(got) < maxBodies/size/4 {
		t.Errorf("got %d requests with %d bytes, counted %d; want at most %d bytes", len(got), held, s.bodies, maxBodies)
	}
	if last := got[len(got)-1].Seq; last != n {
		t.Errorf("last number: got %d, want %d", last, n)
	}
	if since := s.Requests(n - 2); len(since) != 2 || since[0].Seq != n-1 {
		t.Errorf("the last two: got %d, the first with number %d", len(since), since[0].Seq)
	}
}
