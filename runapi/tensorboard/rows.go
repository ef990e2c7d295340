package tensorboard

import (
	"cmp"
	"container/heap"
	"path/filepath"
	"slices"
	"time"
)

// settleAfter is how long a directory must be quiet before its newest step is
// stored: a writer may hand over the rest of a step minutes later, and nobody
// wants to wait so long to see it.
const settleAfter = 15 * time.Second

// maxHeld bounds the images of a step that are held before a row is stored.
const maxHeld = 32 << 20

// rows makes rows of the events of one directory.
type rows struct {
	prefix  string // of its keys: "" or "train/"
	step    int64
	stamp   float64 // wall time of the newest event of step
	values  map[string]any
	held    int       // size of the images in values
	touched time.Time // when something was added
}

// rowsOf returns the rows of the directory that a file lies in.
func (f *Follower) rowsOf(path string) *rows {
	dir, err := filepath.Rel(f.root, filepath.Dir(path))
	if err != nil || dir == "." {
		dir = ""
	}
	if dir != "" {
		dir = filepath.ToSlash(dir) + "/"
	}
	r := f.dirs[dir]
	if r == nil {
		r = &rows{prefix: dir, values: map[string]any{}}
		f.dirs[dir] = r
	}
	return r
}

// take adds an event to the rows of its directory.
func (f *Follower) take(e *event, from *file) {
	r := from.dir
	for i := range e.values {
		v := &e.values[i]
		x, ok := from.tags.convert(v)
		if !ok {
			f.now.Skipped++
			continue
		}
		key := r.prefix + v.tag
		if f.before.has(key, e.step) {
			continue
		}
		if _, twice := r.values[key]; twice || r.step != e.step || r.held > maxHeld {
			f.store(r)
		}
		r.step, r.stamp, r.touched = e.step, e.wall, time.Now()
		r.values[key] = x
		r.held += len(v.image)
		for _, text := range v.tensor.texts {
			r.held += len(text)
		}
	}
}

// store logs what r holds as a row.
func (f *Follower) store(r *rows) {
	if len(r.values) == 0 {
		return
	}
	values := int64(len(r.values))
	const step = "global_step"
	if _, tagged := r.values[r.prefix+step]; !tagged || r.prefix != "" {
		r.values[step] = r.step
	}
	r.values["_timestamp"] = r.stamp
	if err := f.run.Log(r.values); err == nil {
		f.now.Rows++
		f.now.Values += values
	} else {
		f.storeOneByOne(r)
	}
	clear(r.values)
	r.held = 0
}

// storeOneByOne logs the values of a row that the run does not take as a whole,
// because of one of them or because of its size.
func (f *Follower) storeOneByOne(r *rows) {
	for key, x := range r.values {
		if key == "_timestamp" || key == "global_step" {
			continue
		}
		err := f.run.Log(map[string]any{key: x, "global_step": r.step, "_timestamp": r.stamp})
		if err != nil {
			f.now.Refused++
			f.warn("value not stored", "key", key, "step", r.step, "error", err)
			continue
		}
		f.now.Rows++
		f.now.Values++
	}
}

// settle stores steps that nothing was added to for a while.
func (f *Follower) settle(after time.Duration) {
	var quiet []*rows
	for _, r := range f.dirs {
		if len(r.values) > 0 && time.Since(r.touched) >= after {
			quiet = append(quiet, r)
		}
	}
	slices.SortFunc(quiet, func(a, b *rows) int { return cmp.Compare(a.stamp, b.stamp) })
	for _, r := range quiet {
		f.store(r)
	}
}

// merge takes the events of files, those first that were written first.
func (f *Follower) merge(files []*file) {
	var q queue
	for _, x := range files {
		if f.peek(x) {
			q = append(q, x)
		}
	}
	heap.Init(&q)
	for len(q) > 0 && !f.stopped() {
		x := q[0]
		f.take(&x.next, x)
		x.ready = false
		if f.peek(x) {
			heap.Fix(&q, 0)
		} else {
			heap.Pop(&q)
		}
	}
}

// peek makes the next event of a file ready, if there is one.
func (f *Follower) peek(x *file) bool {
	ok, err := x.peek(f.stopped)
	if err != nil {
		f.warn("event file not read", "file", x.path, "error", err)
	}
	return ok
}

// queue is a heap of files whose next event is ready.
type queue []*file

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].next.wall < q[j].next.wall }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(*file)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
