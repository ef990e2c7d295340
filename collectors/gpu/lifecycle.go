package gpu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// pace is how long the life cycle waits; tests have a faster one.
type pace struct {
	look       time.Duration // between looks for a library, or GPUs, that are not there
	firstRetry time.Duration // after the library failed
	lastRetry  time.Duration // the longest wait between such tries
}

var usualPace = pace{look: time.Minute, firstRetry: 5 * time.Second, lastRetry: 300 * time.Second}

// stopWait is how long the end waits for driver calls: less than the agent
// waits for its sources.
const stopWait = 1500 * time.Millisecond

// Run loads the library, keeps one worker per GPU while it works, and loads it
// again when it failed, appeared or was replaced. It is called once. It returns
// when ctx ends and the calls that were running have ended, or a moment later:
// a call that hangs in the driver then keeps its goroutine, and the library
// stays loaded.
func (d *Driver) Run(ctx context.Context, emit func(sample.Event)) error {
	d.mu.Lock()
	d.emit = emit
	d.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.live(ctx)
	}()
	<-ctx.Done()
	select {
	case <-ended:
	case <-time.After(stopWait):
		d.cfg.Logger.Warn("gpu driver call still running at the end")
	}
	return nil
}

// live goes through the states of Status until ctx ends.
func (d *Driver) live(ctx context.Context) {
	retry := d.pace.firstRetry
	first := func() { d.once.Do(func() { close(d.opened) }) }
	defer first()
	for ctx.Err() == nil {
		wait := d.pace.look
		err := d.lib.Open()
		if err == nil {
			began := time.Now()
			err = d.session(ctx, first)
			d.lib.Close()
			if time.Since(began) > d.pace.lastRetry {
				retry = d.pace.firstRetry
			}
			wait, retry = retry, min(2*retry, d.pace.lastRetry)
		} else {
			d.absent(err)
		}
		first()
		if errors.Is(err, errUnavailable) {
			<-ctx.Done()
		}
		sleep(ctx, wait)
	}
}

// absent notes that there is no library, and logs it when that is news.
func (d *Driver) absent(err error) {
	reason := "no NVIDIA driver library: " + err.Error()
	if errors.Is(err, errUnavailable) {
		reason = Unavailable()
	}
	if d.Status().Reason != reason {
		d.cfg.Logger.Info("no NVIDIA GPUs", "reason", reason)
	}
	d.setStatus(Status{State: Absent, Reason: reason})
}

// session initialises the open library and reads GPUs until ctx ends or the
// library fails. No call is running when it returns.
func (d *Driver) session(ctx context.Context, opened func()) error {
	if d.Status().State != Lost {
		d.setStatus(Status{State: Initialising, Reason: "driver library is starting"})
	}
	if c := d.lib.Init(); c != ok {
		return d.failed("initialise", c)
	}
	status := d.versions()
	workers := newCrew(d)
	defer workers.dismiss()
	drain(d.gone)
	for {
		if err := d.enumerate(workers, &status); err != nil {
			return d.failed("list GPUs", err)
		}
		if d.Status().State == Lost {
			d.cfg.Logger.Info("NVIDIA driver answers again", "driver", status.Driver)
			d.event(sample.EventCollector, "NVIDIA driver answers again")
		}
		d.setStatus(status)
		opened()
		var again <-chan time.Time
		if status.Reason != "" {
			again = time.After(d.pace.look)
		}
		select {
		case <-ctx.Done():
			return nil
		case c := <-d.gone:
			return d.failed("read GPUs", c)
		case <-again:
		}
	}
}

// failed notes that the library as a whole does not work. That is worth a
// warning when it worked before; many images hold the library without a driver.
func (d *Driver) failed(what string, err error) error {
	err = fmt.Errorf("%s: %w", what, err)
	reason, old := "NVIDIA driver: "+err.Error(), d.Status()
	if old.Reason == reason {
		return err
	}
	level := slog.LevelInfo
	if old.State == Running {
		level = slog.LevelWarn
	}
	d.cfg.Logger.Log(context.Background(), level, "no NVIDIA GPUs", "reason", reason)
	d.setStatus(Status{State: Lost, Reason: reason})
	d.event(sample.EventCollector, reason)
	return err
}

// versions asks what the library is.
func (d *Driver) versions() Status {
	s := Status{State: Running}
	s.Driver, _ = d.lib.DriverVersion()
	if v, c := d.lib.CUDAVersion(); c == ok {
		s.CUDA = fmt.Sprintf("%d.%d", v/1000, v%1000/10)
	}
	return s
}

// enumerate gives every GPU that answers, and has none yet, a worker. A GPU
// seen before, by its UUID, keeps its slot and number. Status.Reason names
// those that do not answer: they are asked again later.
func (d *Driver) enumerate(workers *crew, status *Status) error {
	n, c := d.lib.Count()
	if c != ok {
		return c
	}
	var silent []string
	for i := range n {
		dev, facts, c := identify(d.lib, i)
		if c != ok {
			silent = append(silent, fmt.Sprintf("GPU %d: %s", i, c.Error()))
			continue
		}
		workers.hire(d.slot(i, facts), dev, status.Driver)
	}
	status.Reason = strings.Join(silent, "; ")
	if n == 0 {
		status.Reason = "the NVIDIA driver has no GPUs"
	}
	return nil
}

// slot returns the slot of the GPU with this identity, new if it was never
// seen. Its number is the library's index unless another GPU has had that.
func (d *Driver) slot(index int, facts sample.GPU) *deviceSlot {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := make(map[int]bool)
	for _, g := range d.all {
		if g.facts.UUID == facts.UUID {
			return g
		}
		taken[g.index] = true
	}
	for taken[index] {
		index++
	}
	g := &deviceSlot{index: index, name: fmt.Sprintf("gpu%d", index), facts: facts, work: make(chan uint64, 1)}
	d.all = append(d.all, g)
	d.change++
	return g
}

// crew is the workers of one session.
type crew struct {
	driver *Driver
	hired  map[*deviceSlot]bool
	stop   chan struct{}
	wg     sync.WaitGroup
}

func newCrew(d *Driver) *crew {
	return &crew{driver: d, hired: make(map[*deviceSlot]bool), stop: make(chan struct{})}
}

// hire starts a worker for the slot unless it has one.
func (c *crew) hire(g *deviceSlot, dev device, driver string) {
	if c.hired[g] {
		return
	}
	c.hired[g] = true
	d := c.driver
	w := &worker{
		slot: g, lib: d.lib, clock: d.cfg.Clock, log: d.cfg.Logger,
		reader:   reader{dev: dev, log: d.cfg.Logger, errors: g.hire(driver)},
		finished: d.finished, gone: d.gone, event: d.event,
	}
	c.wg.Go(func() { w.run(c.stop) })
}

// dismiss ends the workers and waits for the calls they are in.
func (c *crew) dismiss() {
	for g := range c.hired {
		g.dismiss()
	}
	close(c.stop)
	c.wg.Wait()
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// drain empties a channel of size one.
func drain[T any](c <-chan T) {
	select {
	case <-c:
	default:
	}
}
