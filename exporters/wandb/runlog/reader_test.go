package runlog

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// logBytes makes a real log: header record, rows, a sample, console text big
// enough to cross block boundaries, and the end records.
func logBytes(t testing.TB, rows int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run-bytes.wandb")
	w, err := Create(path, patient)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Output(true, 1.7e18, bytes.Repeat([]byte("console\n"), 4000)))
	for i := range rows {
		must(w.Row(someRow(int64(i))))
	}
	must(w.Stats(1.7e18, []StatItem{{NewStatKey("cpu"), 3}}))
	must(w.Write(exitRecord(&wandbpb.RunExitRecord{ExitCode: 7})))
	must(w.Close())
	b, err := os.ReadFile(path)
	must(err)
	return b
}

// readAll returns the records, their end offsets and what was lost.
func readAll(t testing.TB, b []byte) (recs []*wandbpb.Record, ends []int64, d Damage) {
	t.Helper()
	r := NewReader(bytes.NewReader(b))
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return recs, ends, r.Damage()
		}
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		recs, ends = append(recs, rec), append(ends, r.End())
	}
}

func TestRecordsAreNumberedFromOne(t *testing.T) {
	b := logBytes(t, 20)
	if got := string(b[:7]); got != ":W&B\xe1\xbe\x00" {
		t.Errorf("file header: got %q", got)
	}
	recs, ends, d := readAll(t, b)
	if len(recs) != 24 || d.Any() {
		t.Fatalf("got %d records and damage %+v, want 24 and none", len(recs), d)
	}
	for i, rec := range recs {
		if rec.GetNum() != int64(i+1) {
			t.Errorf("record %d: got num %d", i+1, rec.GetNum())
		}
	}
	if h := recs[0].GetHeader(); h == nil || h.GetVersionInfo().GetProducer() == "" {
		t.Errorf("first record: got %v, want a header with a producer", recs[0])
	}
	if end := ends[len(ends)-1]; end != int64(len(b)) {
		t.Errorf("last record ends at %d, the file at %d", end, len(b))
	}
}

func TestTornAtEveryByteOfTheLastRecords(t *testing.T) {
	b := logBytes(t, 20)
	all, ends, _ := readAll(t, b)
	for cut := ends[len(ends)-4]; cut < int64(len(b)); cut++ {
		recs, _, d := readAll(t, b[:cut])
		want := 0
		for want < len(ends) && ends[want] <= cut {
			want++
		}
		if len(recs) != want {
			t.Fatalf("cut at %d: got %d records, want %d", cut, len(recs), want)
		}
		if torn := cut - ends[want-1]; d != (Damage{TornBytes: torn}) {
			t.Fatalf("cut at %d: got damage %+v, want %d torn bytes", cut, d, torn)
		}
		if !proto.Equal(recs[want-1], all[want-1]) {
			t.Fatalf("cut at %d: the last record differs", cut)
		}
	}
}

func TestTornAtEveryByteOfTheHeader(t *testing.T) {
	for cut := range len(fileHeader) {
		recs, _, d := readAll(t, []byte(fileHeader[:cut]))
		if len(recs) != 0 || d.TornBytes != int64(cut) {
			t.Errorf("cut at %d: got %d records, damage %+v", cut, len(recs), d)
		}
	}
	_, err := NewReader(bytes.NewReader([]byte(":W&B\xe1\xbe\x01..."))).Next()
	if !errors.Is(err, ErrFormat) {
		t.Errorf("version 1: got %v, want ErrFormat", err)
	}
}

// A flipped bit must lose the record it hits and no other. Protection:
// nextStart() for the length, the checksum for everything else.
func TestEveryBitOfOneRecordFlipped(t *testing.T) {
	b := logBytes(t, 300) // reaches into the third block
	n := 302              // records in all
	t.Run("full block", func(t *testing.T) { flipEveryBit(t, b, 60) })
	t.Run("last block", func(t *testing.T) { flipEveryBit(t, b, n-10) })
}

func flipEveryBit(t *testing.T, b []byte, victim int) {
	all, ends, _ := readAll(t, b)
	from, to := ends[victim-1], ends[victim]
	stride := int64(1)
	if raceEnabled {
		stride = 13
	}
	for bit := from * 8; bit < to*8; bit += stride {
		bad := slices.Clone(b)
		bad[bit/8] ^= 1 << (bit % 8)
		recs, _, d := readAll(t, bad)
		if len(recs) != len(all)-1 {
			t.Fatalf("bit %d: got %d records, want %d: only one is damaged", bit-from*8, len(recs), len(all)-1)
		}
		for i, want := range slices.Delete(slices.Clone(all), victim, victim+1) {
			near := (i-victim)*(i-victim) < 10
			if recs[i].GetNum() != want.GetNum() || near && !proto.Equal(recs[i], want) {
				t.Fatalf("bit %d: got %v, want %v", bit-from*8, recs[i], want)
			}
		}
		if d.BadChunks != 1 || d.LostBytes != to-from || d.TornBytes != 0 {
			t.Fatalf("bit %d: got damage %+v, want one bad chunk of %d bytes", bit-from*8, d, to-from)
		}
	}
}

func TestZeroedBlockIsSkipped(t *testing.T) {
	b := logBytes(t, 600)
	all, ends, _ := readAll(t, b)
	clear(b[blockSize : 2*blockSize])
	recs, _, d := readAll(t, b)
	behind := 0
	for i := range all {
		if i > 0 && ends[i-1] >= 2*blockSize {
			behind++
		}
	}
	if behind == 0 || len(recs) < behind || recs[len(recs)-1].GetNum() != all[len(all)-1].GetNum() {
		t.Errorf("got %d records, want the %d behind the block", len(recs), behind)
	}
	if d.LostBytes < blockSize {
		t.Errorf("got damage %+v, want a whole block lost", d)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(logBytes(f, 3), 40, byte(1))
	f.Add(logBytes(f, 300)[blockSize-200:], 9, byte(0))
	f.Add([]byte(fileHeader), 3, byte(255))
	whole := logBytes(f, 30)
	all, ends, _ := readAll(f, whole)
	f.Fuzz(func(t *testing.T, junk []byte, at int, flip byte) {
		r := NewReader(bytes.NewReader(junk)) // any bytes: no panic, and an end
		for n := 0; ; n++ {
			if _, err := r.Next(); err != nil {
				break
			}
			if n > len(junk) {
				t.Fatalf("more records than bytes")
			}
		}
		if at < 0 || at >= len(whole) || flip == 0 {
			return
		}
		bad := slices.Clone(whole) // a damaged log: everything before is there
		bad[at] ^= flip
		copy(bad[at:], junk)
		r = NewReader(bytes.NewReader(bad))
		for i := range all {
			if ends[i] > int64(at) {
				return
			}
			rec, err := r.Next()
			if err != nil || !proto.Equal(rec, all[i]) {
				t.Fatalf("record %d before the damage at %d: got %v, %v", i+1, at, rec, err)
			}
		}
	})
}

// A hostile log may claim one endless record. Protection: the limit in
// payload().
func TestRecordsAboveTheLimitAreSkipped(t *testing.T) {
	file := []byte(fileHeader)
	for _, size := range []int{10, 200_000, 20} {
		file = appendRecord(file, int64(len(file)), append([]byte{0x9a, 0x01}, make([]byte, size)...)) // no valid message
	}
	r := NewReader(bytes.NewReader(file))
	r.limit = 100_000
	var sizes []int
	for {
		payload, err := r.payload()
		if err != nil {
			break
		}
		sizes = append(sizes, len(payload))
	}
	if !slices.Equal(sizes, []int{12, 22}) || r.Damage().BadChunks != 1 || cap(r.record) > 300_000 {
		t.Errorf("got records of %v bytes, damage %+v, buffer %d", sizes, r.Damage(), cap(r.record))
	}
}
