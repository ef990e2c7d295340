package runfiles

import (
	"context"
	"io"
	"sync/atomic"
)

// A meddler changes files after they were digested and before they are sent.
type meddler struct {
	Client
	before func(n int)
	n      atomic.Int32
}

func (m *meddler) Put(ctx context.Context, url string, headers []string, body io.ReaderAt, size int64) (string, error) {
	m.before(int(m.n.Add(1)))
	return m.Client.Put(ctx, url, headers, body, size)
}
