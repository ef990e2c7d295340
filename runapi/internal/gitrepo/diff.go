package gitrepo

import "bytes"

// An edit replaces lines a0 to a1 of the old text by lines b0 to b1 of the new.
type edit struct{ a0, a1, b0, b1 int }

// maxDistance bounds the work of diff: texts that differ in more lines are
// replaced as a whole between their common beginning and end.
const maxDistance = 1500

// diff returns the edits that make b of a, in order, by the greedy algorithm of
// Myers (An O(ND) difference algorithm, 1986).
func diff(a, b [][]byte) []edit {
	lead := 0
	for lead < len(a) && lead < len(b) && bytes.Equal(a[lead], b[lead]) {
		lead++
	}
	tail := 0
	for tail < len(a)-lead && tail < len(b)-lead && bytes.Equal(a[len(a)-1-tail], b[len(b)-1-tail]) {
		tail++
	}
	x, y := a[lead:len(a)-tail], b[lead:len(b)-tail]
	if len(x) == 0 && len(y) == 0 {
		return nil
	}
	trace, ok := search(x, y)
	if !ok {
		return []edit{{lead, lead + len(x), lead, lead + len(y)}}
	}
	edits := backtrack(trace, len(x), len(y))
	for i := range edits {
		e := &edits[i]
		e.a0, e.a1, e.b0, e.b1 = e.a0+lead, e.a1+lead, e.b0+lead, e.b1+lead
	}
	return edits
}

// search finds the shortest way from nothing of both texts to all of both. trace
// has, for each number of edits, how far in a each diagonal came before it.
func search(a, b [][]byte) (trace [][]int32, ok bool) {
	limit := min(len(a)+len(b), maxDistance)
	v := make([]int32, 2*limit+3)
	at := func(k int) *int32 { return &v[k+limit+1] }
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int32(nil), v[limit+1-d:limit+2+d]...))
		for k := -d; k <= d; k += 2 {
			x := int(*at(k - 1)) + 1
			if k == -d || k != d && *at(k - 1) < *at(k + 1) {
				x = int(*at(k + 1))
			}
			for x < len(a) && x-k < len(b) && x-k >= 0 && bytes.Equal(a[x], b[x-k]) {
				x++
			}
			*at(k) = int32(x)
			if x >= len(a) && x-k >= len(b) {
				return trace, true
			}
		}
	}
	return nil, false
}

// backtrack walks the way back and joins single steps to edits.
func backtrack(trace [][]int32, x, y int) []edit {
	var edits []edit
	add := func(e edit) {
		if n := len(edits); n > 0 && edits[n-1].a0 == e.a1 && edits[n-1].b0 == e.b1 {
			edits[n-1].a0, edits[n-1].b0 = e.a0, e.b0
			return
		}
		edits = append(edits, e)
	}
	for d := len(trace) - 1; d > 0; d-- {
		v := trace[d] // diagonals -d to d
		at := func(k int) int { return int(v[k+d]) }
		k := x - y
		before := k - 1
		if k == -d || k != d && at(k-1) < at(k+1) {
			before = k + 1
		}
		px := at(before)
		py := px - before
		if before == k-1 {
			add(edit{px, px + 1, py, py})
		} else {
			add(edit{px, px, py, py + 1})
		}
		x, y = px, py
	}
	for i, j := 0, len(edits)-1; i < j; i, j = i+1, j-1 {
		edits[i], edits[j] = edits[j], edits[i]
	}
	return edits
}
