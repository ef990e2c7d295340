package keeper

import (
	"io"
	"os/exec"
	"testing"
)

// BenchmarkForward moves what a command prints as fast as it can through the
// keeper, its log in a file, and through cat, which does the least that
// anything in this place can do.
func BenchmarkForward(b *testing.B) {
	const n = 500 << 20
	argv := flood(b, n)
	run := func(b *testing.B, cmd func() *exec.Cmd) {
		b.SetBytes(n)
		for b.Loop() {
			c := cmd()
			out, err := c.StdoutPipe()
			if err != nil {
				b.Fatal(err)
			}
			if err := c.Start(); err != nil {
				b.Fatal(err)
			}
			got, err := io.Copy(io.Discard, out)
			if waitErr := c.Wait(); got != n || err != nil || waitErr != nil {
				b.Fatalf("got %d bytes, %v, %v, want %d", got, err, waitErr, n)
			}
		}
	}
	for _, name := range []string{"through=keeper", "through=keeper/log=none"} {
		b.Run(name, func(b *testing.B) {
			run(b, func() *exec.Cmd {
				return keeperCmd(b, &setup{Argv: argv, Dir: b.TempDir(), NoLog: name != "through=keeper"})
			})
		})
	}
	b.Run("through=cat", func(b *testing.B) {
		run(b, func() *exec.Cmd {
			return exec.Command("/bin/sh", append([]string{"-c", `"$@" | cat`, "sh"}, argv...)...)
		})
	})
	b.Run("through=nothing", func(b *testing.B) {
		run(b, func() *exec.Cmd { return exec.Command(argv[0], argv[1:]...) })
	})
}

// BenchmarkQueue is what the forwarding goroutine pays per read.
func BenchmarkQueue(b *testing.B) {
	q := newQueue(64<<20, 0)
	l := newLogger(q, discard{})
	go l.run()
	p := make([]byte, 64<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		q.push(false, 1, p)
	}
	if lost, err := l.finish(1 << 40); err != nil || lost < 0 {
		b.Fatal(lost, err)
	}
}
