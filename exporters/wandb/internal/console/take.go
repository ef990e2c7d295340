package console

// Pending returns how many changed lines wait for Take, and about how many
// bytes they have.
func (s *Screen) Pending() (lines, bytes int) {
	bytes = s.finalSize
	for n := s.oldest; n < s.next && s.dirty > 0; n++ {
		if l := s.at(n); l.dirty {
			bytes += l.shown + len(timeLayout) + len(s.format.label)
		}
	}
	return len(s.final) + s.dirty, bytes
}

// Take returns the first run of consecutive changed lines and the number of
// its first line, and regards them as sent: one request of the file stream
// holds one run. It stops before maxBytes of text would be exceeded, but
// returns a line if there is one. No lines means that nothing is pending.
func (s *Screen) Take(maxBytes int) (offset int, lines []string) {
	r := run{left: maxBytes}
	used := 0
	for _, f := range s.final {
		if !r.add(f.number, f.text) {
			break
		}
		s.finalSize -= len(f.text)
		used++
	}
	s.forget(used)
	for n := s.oldest; len(s.final) == 0 && n < s.next; n++ {
		l := s.at(n)
		if !l.dirty {
			if len(r.lines) > 0 {
				break
			}
			continue
		}
		if !r.add(n, s.format.render(l)) {
			break
		}
		s.clean(l)
	}
	return r.first, r.lines
}

// forget drops the first n final lines. What remains is moved to the front
// when that frees much, so that the memory of taken lines is used again.
func (s *Screen) forget(n int) {
	clear(s.final[:n])
	if rest := s.final[n:]; len(rest) <= n {
		s.final = append(s.final[:0], rest...)
	} else {
		s.final = rest
	}
}

// Settle regards all changes so far as sent. Whoever repeats an upload writes
// the records that the server has, and calls it now and then and behind the
// last of them.
func (s *Screen) Settle() {
	clear(s.final)
	s.final, s.finalSize = s.final[:0], 0
	for i := range s.win {
		s.win[i].dirty = false
	}
	s.dirty = 0
}

// A run is what one Take returns.
type run struct {
	first int
	lines []string
	left  int
}

// add appends a line if it follows the others and has room.
func (r *run) add(number int, text string) bool {
	if len(r.lines) == 0 {
		r.first = number
	} else if number != r.first+len(r.lines) || len(text) > r.left {
		return false
	}
	r.lines = append(r.lines, text)
	r.left -= len(text)
	return true
}
