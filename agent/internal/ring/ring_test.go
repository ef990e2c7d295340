package ring

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// frame returns a frame of n readings that all say v, so that a torn copy
// shows.
func frame(id sample.SourceID, v, n int) *sample.Frame {
	f := &sample.Frame{Source: id, Step: int64(v), Time: int64(v)}
	for range n {
		f.Put(sample.Ref(v), float64(v))
	}
	return f
}

// check fails if a frame is not exactly what frame made.
func check(t *testing.T, f *sample.Frame, n int) {
	t.Helper()
	if len(f.Refs) != n || len(f.Vals) != n || f.Time != f.Step {
		t.Errorf("frame %d: %d refs, %d values, step %d, time %d; want %d readings", f.Seq, len(f.Refs), len(f.Vals), f.Step, f.Time, n)
		return
	}
	for i := range f.Refs {
		if int64(f.Refs[i]) != f.Time || f.Vals[i] != float64(f.Time) {
			t.Errorf("frame %d is torn: reading %d is %d=%v, want %d", f.Seq, i, f.Refs[i], f.Vals[i], f.Time)
			return
		}
	}
}

func checkCounts(t *testing.T, c *Cursor, want Counts) {
	t.Helper()
	if got := c.Counts(); got != want {
		t.Errorf("Counts: got %+v, want %+v", got, want)
	}
}

func TestReadMergesLanesInOrder(t *testing.T) {
	r := New(Size{100, 100}, Size{100, 100})
	hw, rows := r.AddSource(Hardware), r.AddSource(Rows)
	c := r.NewCursor()
	c.Select(hw)
	c.Select(rows)
	for i := range 20 {
		id := hw
		if i%3 == 0 {
			id = rows
		}
		if seq := r.Append(frame(id, i, i%4)); seq != uint64(i+1) {
			t.Fatalf("Append: seq %d, want %d", seq, i+1)
		}
	}
	frames, more := c.Read()
	if len(frames) != 20 || more {
		t.Fatalf("Read: %d frames, more %v; want 20, false", len(frames), more)
	}
	for i := range frames {
		if frames[i].Seq != uint64(i+1) {
			t.Errorf("frame %d has seq %d", i, frames[i].Seq)
		}
		check(t, &frames[i], i%4)
	}
	c.Settle(20, 0)
	checkCounts(t, c, Counts{Offered: 20, Sent: 20})
}

func TestOverwrittenFramesAreLostExactly(t *testing.T) {
	r := New(Size{10, 100}, Size{10, 100})
	hw := r.AddSource(Hardware)
	slow, other := r.NewCursor(), r.NewCursor()
	slow.Select(hw)
	for i := range 7 {
		r.Append(frame(hw, i, 4)) // two fit
	}
	checkCounts(t, slow, Counts{Offered: 7, Dropped: 5, Lost: 5, Pending: 2})
	checkCounts(t, other, Counts{})
	frames, _ := slow.Read()
	if len(frames) != 2 || frames[0].Seq != 6 {
		t.Fatalf("Read: got %d frames from seq %d, want 2 from 6", len(frames), frames[0].Seq)
	}
}

func TestFloodOfRowsLeavesHardware(t *testing.T) {
	r := New(Size{100, 100}, Size{100, 10})
	hw, rows := r.AddSource(Hardware), r.AddSource(Rows)
	c := r.NewCursor()
	c.Select(hw)
	c.Select(rows)
	r.Append(frame(hw, 1, 3))
	for i := range 1000 {
		r.Append(frame(rows, i, 1))
	}
	frames, _ := c.Read()
	if len(frames) != 11 || frames[0].Source != hw {
		t.Errorf("after a flood: got %d frames, first of source %d; want the hardware frame and 10 rows", len(frames), frames[0].Source)
	}
	checkCounts(t, c, Counts{Offered: 1001, Dropped: 990, Lost: 990, Pending: 11})
}

func TestUnsettledFramesComeAgain(t *testing.T) {
	r := New(Size{10, 100}, Size{10, 10})
	hw := r.AddSource(Hardware)
	c := r.NewCursor()
	c.Select(hw)
	r.Append(frame(hw, 1, 4))
	r.Append(frame(hw, 2, 4))
	c.Read()
	c.Settle(0, 0)
	frames, _ := c.Read()
	if len(frames) != 2 || frames[0].Seq != 1 {
		t.Fatalf("second Read: got %d frames, want the same two", len(frames))
	}
	r.Append(frame(hw, 3, 4)) // overwrites the first, which is handed out
	checkCounts(t, c, Counts{Offered: 3, Pending: 3})
	c.Settle(0, 0)
	checkCounts(t, c, Counts{Offered: 3, Dropped: 1, Lost: 1, Pending: 2})
	frames, _ = c.Read()
	if len(frames) != 2 || frames[0].Seq != 2 {
		t.Fatalf("third Read: got %d frames from %d, want 2 from 2", len(frames), frames[0].Seq)
	}
	r.Append(frame(hw, 4, 4)) // overwrites 2, but 2 was handed out and arrives
	c.Settle(2, 0)
	checkCounts(t, c, Counts{Offered: 4, Sent: 2, Dropped: 1, Lost: 1, Pending: 1})
}

func TestFrameWiderThanTheLane(t *testing.T) {
	r := New(Size{10, 10}, Size{10, 10})
	hw := r.AddSource(Hardware)
	c := r.NewCursor()
	c.Select(hw)
	r.Append(frame(hw, 1, 5))
	r.Append(frame(hw, 2, 11))
	checkCounts(t, c, Counts{Offered: 2, Dropped: 1, Lost: 1, Pending: 1})
	if frames, _ := c.Read(); len(frames) != 1 || frames[0].Seq != 1 {
		t.Errorf("Read: got %d frames, want the narrow one", len(frames))
	}
}

func TestUnknownAndEndedSources(t *testing.T) {
	r := New(Size{10, 10}, Size{10, 10})
	hw := r.AddSource(Hardware)
	c := r.NewCursor()
	c.Select(hw)
	r.Append(frame(hw, 1, 1))
	r.EndSource(hw)
	for _, id := range []sample.SourceID{0, hw, hw + 1} {
		if seq := r.Append(frame(id, 2, 1)); seq != 0 {
			t.Errorf("Append of source %d: got seq %d, want 0", id, seq)
		}
	}
	if frames, _ := c.Read(); len(frames) != 1 {
		t.Errorf("Read: got %d frames, want the one from before the source ended", len(frames))
	}
}

func TestBatchesAreCut(t *testing.T) {
	r := New(Size{4 * maxBatchValues, 1000}, Size{1, 1})
	hw := r.AddSource(Hardware)
	c := r.NewCursor()
	c.Select(hw)
	r.Append(frame(hw, 0, maxBatchValues+1))
	for i := 1; i < 40; i++ {
		r.Append(frame(hw, i, 1000))
	}
	var sizes []int
	for more := true; more; {
		var frames []sample.Frame
		frames, more = c.Read()
		sizes = append(sizes, len(frames))
		c.Settle(len(frames), 0)
	}
	if len(sizes) != 4 || sizes[0] != 1 || sizes[1] != 16 || sizes[2] != 16 || sizes[3] != 7 {
		t.Errorf("batches: got %v frames, want 1 (too wide to share), 16, 16, 7", sizes)
	}
}

func TestWakesWhenHalfIsUnread(t *testing.T) {
	r := New(Size{100, 100}, Size{10, 10})
	hw := r.AddSource(Hardware)
	c := r.NewCursor()
	c.Select(hw)
	awake := func() bool {
		select {
		case <-c.Wake():
			return true
		default:
			return false
		}
	}
	for i := range 4 {
		r.Append(frame(hw, i, 12))
	}
	if awake() {
		t.Error("woken with 48 of 100 values unread")
	}
	r.Append(frame(hw, 4, 12))
	if !awake() {
		t.Error("not woken with 60 of 100 values unread")
	}
	c.Read()
	r.Append(frame(hw, 5, 12))
	if awake() {
		t.Error("woken although all but one frame is read")
	}
}

func TestStopAndClose(t *testing.T) {
	r := New(Size{100, 100}, Size{10, 10})
	hw := r.AddSource(Hardware)
	c := r.NewCursor()
	c.Select(hw)
	r.Append(frame(hw, 1, 1))
	c.Stop()
	r.Append(frame(hw, 2, 1))
	checkCounts(t, c, Counts{Offered: 1, Pending: 1})
	if frames, _ := c.Read(); len(frames) != 1 {
		t.Errorf("Read after Stop: got %d frames, want the one from before", len(frames))
	}
	c.Close()
	c.Settle(1, 0)
	c.Close()
	checkCounts(t, c, Counts{Offered: 1, Dropped: 1})
}

func TestBoundsFollowTheSlowestCursor(t *testing.T) {
	r := New(Size{100, 100}, Size{10, 10})
	hw := r.AddSource(Hardware)
	c := r.NewCursor()
	c.Select(hw)
	want := func(oldest, newest uint64) {
		t.Helper()
		if o, n := r.Bounds(); o != oldest || n != newest {
			t.Errorf("Bounds: got %d, %d; want %d, %d", o, n, oldest, newest)
		}
	}
	want(1, 0)
	for i := range 3 {
		r.Append(frame(hw, i, 1))
	}
	want(1, 3)
	frames, _ := c.Read()
	r.Append(frame(hw, 4, 1))
	want(1, 4) // handed out and not settled
	c.Settle(len(frames), 0)
	want(4, 4)
}

// TestRandomSchedule runs random operations and compares every answer with a
// model that keeps all frames in plain slices.
func TestRandomSchedule(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		r := New(Size{1 + rnd.IntN(60), 1 + rnd.IntN(20)}, Size{1 + rnd.IntN(60), 1 + rnd.IntN(20)})
		ids := []sample.SourceID{r.AddSource(Hardware), r.AddSource(Rows), r.AddSource(Hardware)}
		c := r.NewCursor()
		c.Select(ids[0])
		c.Select(ids[1])
		var last uint64
		taken := 0
		for step := range 400 {
			switch rnd.IntN(6) {
			case 0:
				frames, _ := c.Read()
				if taken = len(frames); taken > 0 && frames[0].Seq <= last {
					t.Fatalf("seed %d step %d: seq %d again after %d was settled", seed, step, frames[0].Seq, last)
				}
				for i := range frames {
					check(t, &frames[i], int(frames[i].Time)%13)
					if frames[i].Source == ids[2] {
						t.Fatalf("seed %d step %d: got a frame that is not selected", seed, step)
					}
					if i > 0 && frames[i].Seq <= frames[i-1].Seq {
						t.Fatalf("seed %d step %d: seq %d after %d", seed, step, frames[i].Seq, frames[i-1].Seq)
					}
				}
			case 1:
				if taken > 0 && rnd.IntN(2) == 0 {
					k := rnd.IntN(taken + 1)
					last = c.frames[taken-1].Seq
					c.Settle(k, taken-k)
				} else {
					c.Settle(0, 0)
				}
				taken = 0
			default:
				r.Append(frame(ids[rnd.IntN(3)], step, step%13))
			}
			n := c.Counts()
			if n.Offered != n.Sent+n.Dropped+n.Pending {
				t.Fatalf("seed %d step %d: %+v: offered is not sent + dropped + pending", seed, step, n)
			}
			if held := heldFor(c); n.Pending != held {
				t.Fatalf("seed %d step %d: %d frames pending, the ring and the batch hold %d", seed, step, n.Pending, held)
			}
		}
	}
}

// heldFor counts the frames that c can still settle, by looking at them.
func heldFor(c *Cursor) uint64 {
	held := uint64(c.taken)
	for i := range c.pos {
		l := &c.ring.lanes[i]
		for at := c.pos[i]; at < l.end; at++ {
			if h := l.head(at); c.wants(h.source, h.seq) {
				held++
			}
		}
	}
	return held
}

func TestConcurrentReadersLoseNothingUncounted(t *testing.T) {
	r := New(Size{3000, 300}, Size{1000, 100})
	hw, rows := r.AddSource(Hardware), r.AddSource(Rows)
	const each = 3000
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		c := r.NewCursor()
		c.Select(hw)
		c.Select(rows)
		readers.Go(func() {
			for over := false; !over; {
				select {
				case <-stop:
					over = true
				case <-c.Wake():
				}
				for more := true; more; {
					var frames []sample.Frame
					frames, more = c.Read()
					for i := range frames {
						check(t, &frames[i], int(frames[i].Time)%17)
					}
					c.Settle(len(frames), 0)
				}
			}
			if n := c.Counts(); n.Offered != 2*each || n.Sent+n.Lost != 2*each {
				t.Errorf("received plus lost is not written: %+v, want %d", n, 2*each)
			}
		})
	}
	for _, id := range []sample.SourceID{hw, rows} {
		writers.Go(func() {
			for i := range each {
				r.Append(frame(id, i, i%17))
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}
