package runlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The vectors were measured with the two official writers (Go and Python),
// which agree byte for byte.
func TestGoldenFraming(t *testing.T) {
	zeros := func(n int) []byte { return make([]byte, n) }
	for _, c := range []struct {
		name    string
		records [][]byte
		size    int
		sum     string         // SHA-256, where measured
		at      map[int]string // hex expected at an offset
	}{
		{name: "header", size: 7, at: map[int]string{0: "3a572642e1be00"}},
		{name: "empty record", records: [][]byte{{}}, size: 14, at: map[int]string{7: "1bdf05a5000001"}},
		{
			name: "num 13", records: [][]byte{{0x08, 0x0d}}, size: 16,
			sum: "ba5befbac466b9b291566f539c020929a5cfd626c51b870daa973053e9679428",
			at:  map[int]string{7: "9045eb48020001080d"},
		},
		{
			name: "seven bytes left", records: [][]byte{zeros(32747), []byte("abc")}, size: 32778,
			sum: "f85eb768bf89ade9125f7863f2552a50a180223f0a9128feb37f5f9a974dcf56",
			at:  map[int]string{32761: "a18e0c3c000002", 32768: "9bd04364030004616263"},
		},
		{
			name: "six bytes left", records: [][]byte{zeros(32748), []byte("abc")}, size: 32778,
			sum: "733d9a6bb252978357c68d8277bf0ae84bd7605bf32ed0669ed62ae465b078b8",
			at:  map[int]string{32762: "000000000000", 32768: "a9209d53030001616263"},
		},
		{
			name: "over a boundary", records: [][]byte{bytes.Repeat([]byte("a"), 40000)}, size: 40021,
			sum: "ab9604a3d3e50d43bf56cb0a780c9621b480936288dc1c7a670d606f83da82a7",
			at:  map[int]string{7: "837e4ee8f27f02", 32768: "ccbe7ce74e1c04"},
		},
		{
			name: "block exactly full", records: [][]byte{zeros(32754), []byte("abc")}, size: 32778,
			sum: "76581a93b7751f4cefda319ca80a076713b92a8490bc594abdcbe58cdd3f2751",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := []byte(fileHeader)
			for _, r := range c.records {
				file = appendRecord(file, int64(len(file)), r)
			}
			if len(file) != c.size {
				t.Errorf("got %d bytes, want %d", len(file), c.size)
			}
			if got := sha256.Sum256(file); c.sum != "" && hex.EncodeToString(got[:]) != c.sum {
				t.Errorf("got SHA-256 %x, want %s", got, c.sum)
			}
			for offset, want := range c.at {
				if got := hex.EncodeToString(file[offset : offset+len(want)/2]); got != want {
					t.Errorf("at %d: got %s, want %s", offset, got, want)
				}
			}
		})
	}
}

func TestWholeRecordsFindsEveryBoundary(t *testing.T) {
	start := int64(blockSize - 40) // records before, on and over the block end
	var buf []byte
	ends := []int{0}
	for n := range 30 {
		buf = appendRecord(buf, start+int64(len(buf)), bytes.Repeat([]byte{'x'}, n*n*7))
		ends = append(ends, len(buf))
	}
	whole := 0
	for n := range len(buf) + 1 {
		for whole+1 < len(ends) && ends[whole+1] <= n {
			whole++
		}
		size, records := wholeRecords(buf[:n], start)
		if size != ends[whole] || records != int64(whole) {
			t.Fatalf("first %d bytes: got %d bytes in %d records, want %d in %d", n, size, records, ends[whole], whole)
		}
	}
}
