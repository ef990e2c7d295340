package upload_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/console"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// screen is what the server should have in the end: the lines, and output.log.
type screen struct {
	t    *testing.T
	s    *console.Screen
	file *os.File
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "output.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &screen{t, console.New(console.Options{Text: console.NewText(f)}), f}
}

// shown returns the lines and the file.
func (s *screen) shown() (lines []string, file []byte) {
	s.t.Helper()
	s.s.End()
	if err := s.s.Sync(); err != nil {
		s.t.Fatal(err)
	}
	_, lines = s.s.Take(1 << 40)
	file, err := os.ReadFile(s.file.Name())
	if err != nil {
		s.t.Fatal(err)
	}
	return lines, file
}

// same compares what a house has of run r with the screen.
func (s *screen) same(h *house) {
	s.t.Helper()
	lines, file := s.shown()
	got := h.stored().Console
	if !slices.Equal(got, lines) {
		i := 0
		for i < min(len(got), len(lines)) && got[i] == lines[i] {
			i++
		}
		s.t.Errorf("the server has %d lines, want %d; line %d is %.100q, want %.100q", len(got), len(lines), i, at(got, i), at(lines, i))
	}
	if got := h.file("output.log"); !bytes.Equal(got, file) {
		s.t.Errorf("output.log has %d bytes, want %d", len(got), len(file))
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// second is the time of a record.
func second(i int) time.Time { return time.Unix(1_700_000_000+int64(i), 0) }

// output logs console text for the log and for the screen.
func (s *screen) output(l *run, i int, stderr bool, text string) {
	s.t.Helper()
	if err := l.w.Output(stderr, second(i).UnixNano(), []byte(text)); err != nil {
		s.t.Fatal(err)
	}
	s.s.Write(stderr, second(i), text)
}

// TestProgressBar: a hundred thousand updates are a line or two.
func TestProgressBar(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	want := newScreen(t)
	const updates = 100_000
	for i := range updates {
		want.output(l, i/1000, true, fmt.Sprintf("\r\x1b[32m%3d%%\x1b[0m|%-10s| %d/%d", i*100/updates, strings.Repeat("█", i*10/updates), i, updates))
		if i%10_000 == 0 {
			want.output(l, i/1000, false, fmt.Sprintf("checkpoint %d\n", i))
		}
	}
	want.output(l, 100, true, "\n")
	l.exit(0)
	if _, err := h.upload(l, upload.Options{}); err != nil {
		t.Fatal(err)
	}
	want.same(h)
	if got := h.stored().Console; len(got) != 11 || !strings.HasPrefix(got[0], "ERROR ") || !strings.HasSuffix(got[0], "█ | 99999/100000") || !strings.HasSuffix(got[10], " checkpoint 90000") {
		t.Errorf("lines are %q", got)
	}
}

// TestConsoleOfEveryKind: text with colours, cursor movements, characters of
// many bytes at the places where records are cut.
func TestConsoleOfEveryKind(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	want := newScreen(t)
	for i := range 8 {
		want.output(l, i, i%2 == 0, strings.Repeat("x", i)+strings.Repeat("漢🎉\n", 20_000))
		want.output(l, i, i%3 == 0, "\x1b[1;31mred\x1b[0m\ttab\b\x1b]0;title\a\n\x1b[A\x1b[A\x1b[Aup\x1b[B\r\n")
		want.output(l, i, true, strings.Repeat("long ", 2000)+"\rover\n")
	}
	l.exit(0)
	if _, err := h.upload(l, upload.Options{}); err != nil {
		t.Fatal(err)
	}
	want.same(h)
}

// TestLoggedLines: lines of write_logs stand among those of the terminals and
// are left as they are.
func TestLoggedLines(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	want := newScreen(t)
	log := func(at time.Time, text string) {
		l.write(&wandbpb.Record{RecordType: &wandbpb.Record_OutputLogger{OutputLogger: &wandbpb.OutputLoggerRecord{Line: text}}})
		want.s.Line(at, text)
	}
	log(second(0), "before\n")
	want.output(l, 7, false, "half")
	log(second(7), "one\n\x1b[A\rtwo")
	want.output(l, 8, false, " and half\n")
	log(second(8), "")
	l.exit(0)
	r, err := h.upload(l, upload.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want.same(h)
	if r.Texts.Offered != 5 || r.Texts.Sent != 5 {
		t.Errorf("texts are %+v, want 5 sent", r.Texts)
	}
}

// TestRewrittenLinesSurviveRestarts: the uploader and the server end at many
// moments while lines are being rewritten; the server ends with the screen.
func TestRewrittenLinesSurviveRestarts(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	want := newScreen(t)
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"step", "\r", "\n", "\x1b[A", "\x1b[A\x1b[A\x1b[A", "\x1b[B", "loss 0.25", "größe", "\x1b[0m", "\n\n", "epoch "}
	more := func(n int) {
		for i := range n {
			var text strings.Builder
			for range 1 + random.IntN(12) {
				text.WriteString(words[random.IntN(len(words))])
			}
			want.output(l, i, random.IntN(3) == 0, text.String())
			if i%50 == 0 {
				l.rows(1)
			}
		}
	}
	for round := range 12 {
		more(300)
		u := h.uploader(l, upload.Options{Live: true, Transmit: time.Millisecond, Poll: time.Millisecond})
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(60))*time.Millisecond)
		restarted := make(chan struct{})
		go func() {
			defer close(restarted)
			if round%3 == 0 {
				h.restart()
			}
		}()
		if _, err := u.Run(ctx); err == nil {
			t.Error("a live upload ended before its log")
		}
		cancel()
		<-restarted
	}
	more(300)
	l.exit(0)
	if _, err := h.upload(l, upload.Options{}); err != nil {
		t.Fatal(err)
	}
	want.same(h)
}
