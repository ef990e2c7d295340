package keeper

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

// sendTimeout bounds how long a stuck peer can hold up whoever tells it something.
const sendTimeout = 5 * time.Second

// message is one line of JSON between keeper and worker. One field is set.
type message struct {
	Spec   *WorkerSpec    `json:"spec,omitempty"`   // keeper: the first message
	Exited *Status        `json:"exited,omitempty"` // keeper: the command has ended, its log is complete: finish
	Close  int            `json:"close,omitempty"`  // keeper: close this descriptor; worker: it is closed
	Ready  bool           `json:"ready,omitempty"`  // worker: Signal will be reported from now on
	Signal syscall.Signal `json:"signal,omitempty"` // worker: it got this signal, ignored it
	Hurry  bool           `json:"hurry,omitempty"`  // keeper: finish at once, what is not sent stays
	Say    string         `json:"say,omitempty"`    // worker: tell the user this at the end
	Stop   bool           `json:"stop,omitempty"`   // worker: the command is to stop
}

// link is one end of the socket between keeper and worker.
type link struct {
	file *os.File
	dec  *json.Decoder

	mu  sync.Mutex
	enc *json.Encoder
}

func newLink(file *os.File) *link {
	return &link{file: file, dec: json.NewDecoder(file), enc: json.NewEncoder(file)}
}

// socketpair returns our end and the one to inherit.
func socketpair() (*link, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open worker socket: %w", err)
	}
	return newLink(pollable(fds[0], "worker")), os.NewFile(uintptr(fds[1]), "worker"), nil
}

func (l *link) send(m message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file.SetWriteDeadline(time.Now().Add(sendTimeout))
	return l.enc.Encode(m)
}

// receive returns the peer's next message; any error means that it is gone.
func (l *link) receive() (m message, err error) {
	err = l.dec.Decode(&m)
	return m, err
}

func (l *link) close() { l.file.Close() }
