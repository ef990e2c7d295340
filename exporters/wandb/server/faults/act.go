package faults

import (
	"bufio"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// act carries out an action on a request.
func (h *Handler) act(a Action, w http.ResponseWriter, r *http.Request) {
	switch a.Kind {
	case Answer:
		for name, value := range a.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.Status)
		_, _ = io.WriteString(w, a.Body)
	case Hang:
		_, _ = io.Copy(io.Discard, r.Body) // the server notices that a client left only while it reads nothing
		<-r.Context().Done()
	case Reset:
		_, _ = io.CopyN(io.Discard, r.Body, a.Bytes)
		reset(w)
	case StoreDrop:
		h.record(r)
		reset(w)
	case CutAnswer:
		h.cut(w, r, a.Bytes)
	case SlowAnswer:
		h.drip(w, r, time.Duration(a.Delay))
	case LongAnswer:
		h.announceMore(w, r, a.Bytes)
	case BadGzip:
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "this is no gzip")
	case Bomb:
		bomb(w, a.Bytes)
	default:
		h.next.ServeHTTP(w, r)
	}
}

// hijack takes the connection of a request over. Without one, as in HTTP/2, it
// answers that and returns nil.
func hijack(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "faults need HTTP/1.1: "+err.Error(), http.StatusHTTPVersionNotSupported)
		return nil, nil
	}
	return conn, rw
}

// reset ends a connection with RST.
func reset(w http.ResponseWriter) {
	if conn, _ := hijack(w); conn != nil {
		abort(conn)
	}
}

// abort closes a connection in a way that the other side sees as RST.
func abort(conn net.Conn) {
	raw := conn
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = wrapped.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// writeHead writes the status line and the header of a recorded answer that
// announces length bytes.
func (r *recorder) writeHead(w *bufio.ReadWriter, length int64) error {
	r.header.Set("Content-Length", strconv.FormatInt(length, 10))
	_, _ = w.WriteString("HTTP/1.1 " + strconv.Itoa(r.status) + " " + http.StatusText(r.status) + "\r\n")
	_ = r.header.Write(w)
	_, _ = w.WriteString("\r\n")
	return w.Flush()
}

// cut sends the first n bytes of the answer. Some bytes are always left to cut.
func (h *Handler) cut(w http.ResponseWriter, r *http.Request, n int64) {
	rec := h.record(r)
	conn, rw := hijack(w)
	if conn == nil {
		return
	}
	body := rec.body.Bytes()
	n = min(n, int64(len(body)))
	if rec.writeHead(rw, int64(len(body))+1) == nil {
		_, _ = rw.Write(body[:n])
		_ = rw.Flush()
		time.Sleep(20 * time.Millisecond) // RST drops what the client's kernel did not hand over yet
	}
	abort(conn)
}

// announceMore sends an answer shorter than it says and closes in order.
func (h *Handler) announceMore(w http.ResponseWriter, r *http.Request, more int64) {
	rec := h.record(r)
	conn, rw := hijack(w)
	if conn == nil {
		return
	}
	defer conn.Close()
	if rec.writeHead(rw, int64(rec.body.Len())+max(more, 1)) == nil {
		_, _ = rw.Write(rec.body.Bytes())
		_ = rw.Flush()
	}
}

// drip sends an answer byte by byte.
func (h *Handler) drip(w http.ResponseWriter, r *http.Request, pause time.Duration) {
	rec := h.record(r)
	rec.copyHeader(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(rec.body.Len()))
	w.WriteHeader(rec.status)
	flush := http.NewResponseController(w)
	for _, b := range rec.body.Bytes() {
		if !sleep(r, pause) {
			return
		}
		if _, err := w.Write([]byte{b}); err != nil || flush.Flush() != nil {
			return
		}
	}
}

// bomb answers with n zeros that need a thousandth of the room on the wire.
func bomb(w http.ResponseWriter, n int64) {
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Type", "application/json")
	z := gzip.NewWriter(w)
	zeros := make([]byte, 64<<10)
	for n > 0 {
		k, err := z.Write(zeros[:min(n, int64(len(zeros)))])
		if err != nil {
			return
		}
		n -= int64(k)
	}
	_ = z.Close()
}
