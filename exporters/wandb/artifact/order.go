package artifact

import (
	"context"
	"sync"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// An Order lets the versions of one name go up one after the other, so that
// their numbers follow the order of the log, and lets an artifact wait for those
// that it refers to. Others go at the same time. The zero value is ready.
type Order struct {
	mu     sync.Mutex
	name   map[string]chan struct{} // of the last turn of each name
	client map[string]chan struct{} // of each client id
}

// Turn takes the next place for an artifact. It is called in the order of the
// log, and its result given to Upload.
func (o *Order) Turn(rec *wandbpb.ArtifactRecord) *Turn {
	t := &Turn{done: make(chan struct{})}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.name == nil {
		o.name, o.client = map[string]chan struct{}{}, map[string]chan struct{}{}
	}
	t.follow(o.name[rec.GetName()])
	for _, e := range rec.GetManifest().GetContents() {
		if id, _, found := parseRef(e.GetRef(), clientScheme); found {
			t.follow(o.client[id])
		}
	}
	o.name[rec.GetName()] = t.done
	o.client[rec.GetClientId()] = t.done
	return t
}

// A Turn is a place in an Order.
type Turn struct {
	after []<-chan struct{}
	done  chan struct{}
	once  sync.Once
}

func (t *Turn) follow(c <-chan struct{}) {
	if c != nil {
		t.after = append(t.after, c)
	}
}

// wait returns when those before are done, or with the error of ctx.
func (t *Turn) wait(ctx context.Context) error {
	if t == nil {
		return nil
	}
	for _, c := range t.after {
		select {
		case <-c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Done lets the next one begin. Upload calls it; who takes a turn and does not
// upload calls it too. It may be called twice, and on nil.
func (t *Turn) Done() {
	if t != nil {
		t.once.Do(func() { close(t.done) })
	}
}
