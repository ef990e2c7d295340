package runlog

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// sizedLog frames records of the given sizes as one log.
func sizedLog(t testing.TB, sizes ...int) []byte {
	t.Helper()
	b := []byte(fileHeader)
	for i, size := range sizes {
		payload, err := proto.Marshal(&wandbpb.Record{Num: int64(i + 1), RecordType: &wandbpb.Record_Alert{
			Alert: &wandbpb.AlertRecord{Text: string(bytes.Repeat([]byte{'a' + byte(i%26)}, size))}}})
		if err != nil {
			t.Fatal(err)
		}
		b = appendRecord(b, int64(len(b)), payload)
	}
	return b
}

// drain reads what the tail has now.
func drain(t testing.TB, tail *Tail) (nums []int64) {
	t.Helper()
	for {
		payload, err := tail.Next()
		if errors.Is(err, io.EOF) {
			return nums
		}
		if err != nil {
			t.Fatal(err)
		}
		rec := new(wandbpb.Record)
		if err := proto.Unmarshal(payload, rec); err != nil {
			t.Fatal(err)
		}
		nums = append(nums, rec.GetNum())
	}
}

func openTail(t testing.TB, path string) *Tail {
	t.Helper()
	tail, err := OpenTail(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tail.Close() })
	return tail
}

// TestTailAnyCut lets a log grow by pieces of every kind of size: each record
// comes once, in order.
func TestTailAnyCut(t *testing.T) {
	sizes := []int{3, 100, 32700, 10, 0, 70000, 5, 32768, 1, 32740, 2}
	for _, piece := range []int{1, 7, 1000, 32761, 32768, 50000} {
		whole := sizedLog(t, sizes...)
		if piece == 1 {
			whole = sizedLog(t, 3, 100, 5)
		}
		path := filepath.Join(t.TempDir(), "run-x.wandb")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		tail := openTail(t, path)
		var nums []int64
		for at := 0; at < len(whole); at += piece {
			if _, err := f.Write(whole[at:min(at+piece, len(whole))]); err != nil {
				t.Fatal(err)
			}
			nums = append(nums, drain(t, tail)...)
		}
		want := len(sizes)
		if piece == 1 {
			want = 3
		}
		for i, n := range nums {
			if n != int64(i+1) {
				t.Fatalf("pieces of %d bytes: got records %v", piece, nums)
			}
		}
		if len(nums) != want || tail.Damage().Any() || tail.End() != int64(len(whole)) {
			t.Errorf("pieces of %d bytes: got %d records, damage %+v, end %d; want %d, none, %d", piece, len(nums), tail.Damage(), tail.End(), want, len(whole))
		}
	}
}

// TestTailZeros: room that the file has and nobody has written yet is not
// damage, whatever comes there later.
func TestTailZeros(t *testing.T) {
	whole := sizedLog(t, 100, 200, 300)
	cut := len(sizedLog(t, 100))
	path := filepath.Join(t.TempDir(), "run-x.wandb")
	holes := append(bytes.Clone(whole[:cut]), make([]byte, len(whole)-cut)...)
	if err := os.WriteFile(path, holes, 0o600); err != nil {
		t.Fatal(err)
	}
	tail := openTail(t, path)
	if nums := drain(t, tail); len(nums) != 1 {
		t.Fatalf("with a hole at the end: got records %v, want 1", nums)
	}
	if err := os.WriteFile(path, append(whole, sizedLog(t, 1)[len(fileHeader):]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if nums := drain(t, tail); len(nums) < 2 || nums[0] != 2 || nums[1] != 3 {
		t.Errorf("once the hole is filled: got records %v, want 2 and 3", nums)
	}
}

// TestTailDamage: a record that went bad is counted once the log is complete,
// and the others still come.
func TestTailDamage(t *testing.T) {
	whole := sizedLog(t, 100, 200, 300)
	whole[len(sizedLog(t, 100))+50] ^= 1
	path := filepath.Join(t.TempDir(), "run-x.wandb")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	tail := openTail(t, path)
	if nums := drain(t, tail); len(nums) != 1 || tail.Damage().Any() {
		t.Fatalf("while it is written: got records %v, damage %+v; want record 1 and none", nums, tail.Damage())
	}
	tail.Complete()
	if nums := drain(t, tail); len(nums) != 1 || nums[0] != 3 || tail.Damage().BadChunks != 1 {
		t.Errorf("once it is complete: got records %v, damage %+v; want record 3 and one bad chunk", nums, tail.Damage())
	}
}

func TestTailTorn(t *testing.T) {
	whole := sizedLog(t, 100, 200)
	path := filepath.Join(t.TempDir(), "run-x.wandb")
	if err := os.WriteFile(path, whole[:len(whole)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	tail := openTail(t, path)
	drain(t, tail)
	if tail.Damage().Any() {
		t.Errorf("a record on its way counts as damage: %+v", tail.Damage())
	}
	tail.Complete()
	drain(t, tail)
	if tail.Damage().TornBytes == 0 {
		t.Error("a log that ends in a record: got no torn bytes")
	}
}
