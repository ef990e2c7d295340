package tensorboard

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// records scans data until nothing more comes.
func records(t testing.TB, s *scanner) (all []string) {
	t.Helper()
	for {
		data, p, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		switch p {
		case got:
			all = append(all, string(data))
		case end:
			return all
		}
	}
}

func TestMaskedChecksum(t *testing.T) {
	// The first eight bytes and their checksum of a file of tensorboardX.
	head := []byte{0x18, 0, 0, 0, 0, 0, 0, 0}
	if got, want := masked(head), binary.LittleEndian.Uint32([]byte{0xa3, 0x7f, 0x4b, 0x22}); got != want {
		t.Errorf("got %#x, want %#x", got, want)
	}
}

func TestScannerResumesBehindDamage(t *testing.T) {
	a, b, c := frame([]byte("first")), frame([]byte("second")), frame([]byte("third"))
	f := func(name string, data []byte, want []string, bad damage, off int) {
		t.Helper()
		s := scanner{from: bytes.NewReader(data)}
		if got := records(t, &s); !slices.Equal(got, want) || s.bad != bad || s.off != int64(off) {
			t.Errorf("%s: got %q, %+v, at %d, want %q, %+v, at %d", name, got, s.bad, s.off, want, bad, off)
		}
	}
	flip := func(r []byte, at int) []byte {
		r = bytes.Clone(r)
		r[at] ^= 0x40
		return r
	}
	whole := len(a) + len(b) + len(c)
	lost := damage{1, int64(len(b))}
	f("good", join(a, b, c), []string{"first", "second", "third"}, damage{}, whole)
	f("bad length", join(a, flip(b, 0), c), []string{"first", "third"}, lost, whole)
	f("bad checksum of the length", join(a, flip(b, 9), c), []string{"first", "third"}, lost, whole)
	f("bad data", join(a, flip(b, 14), c), []string{"first", "third"}, lost, whole)
	f("bad checksum of the data", join(a, flip(b, len(b)-1), c), []string{"first", "third"}, lost, whole)
	f("two bad ones", join(flip(a, 0), flip(b, 0), c), []string{"third"}, damage{1, int64(len(a) + len(b))}, whole)
	f("torn", join(a, b[:len(b)-1]), []string{"first"}, damage{}, len(a))
	f("torn in the length", join(a, b[:5]), []string{"first"}, damage{}, len(a))
	f("bad at the end", join(a, flip(b, 14)), []string{"first"}, damage{}, len(a))
	f("zeros at the end", join(a, make([]byte, 3*chunkBytes)), []string{"first"}, damage{}, len(a))
	f("zeros between", join(a, make([]byte, 3*chunkBytes-5), b), []string{"first", "second"}, damage{1, 3*chunkBytes - 5}, whole-len(c)+3*chunkBytes-5)
	f("large record", join(a, frame(make([]byte, 3*chunkBytes)), b), []string{"first", string(make([]byte, 3*chunkBytes)), "second"}, damage{}, 0+len(a)+len(b)+3*chunkBytes+16)
}

// TestScannerWaitsForTheRest: every cut of a file gives what is whole, and the
// rest once it is there.
func TestScannerWaitsForTheRest(t *testing.T) {
	data := join(frame([]byte("first")), frame(nil), frame([]byte("third")))
	for cut := range len(data) {
		from := &growing{data: data[:cut]}
		s := scanner{from: from}
		all := records(t, &s)
		s.forget()
		from.data = data
		all = append(all, records(t, &s)...)
		if !slices.Equal(all, []string{"first", "", "third"}) || s.bad != (damage{}) {
			t.Errorf("cut at %d: %q, %+v", cut, all, s.bad)
		}
	}
}

// growing is a file that others write.
type growing struct{ data []byte }

func (g *growing) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(g.data).ReadAt(p, off)
}

// TestScannerSkipsWhatIsTooLarge: its length is right, and it is counted. The
// file is sparse.
func TestScannerSkipsWhatIsTooLarge(t *testing.T) {
	path := appendTo(t, t.TempDir(), "f", frame([]byte("first")))
	head := binary.LittleEndian.AppendUint64(nil, maxRecord+1)
	head = binary.LittleEndian.AppendUint32(head, masked(head))
	appendTo(t, filepath.Dir(path), "f", head)
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := scanner{from: file}
	if got := records(t, &s); !slices.Equal(got, []string{"first"}) || s.bad != (damage{}) {
		t.Errorf("not all there: %q, %+v", got, s.bad)
	}
	if err := os.Truncate(path, st.Size()+maxRecord+1+tailBytes); err != nil {
		t.Fatal(err)
	}
	appendTo(t, filepath.Dir(path), "f", frame([]byte("last")))
	s.forget()
	if got := records(t, &s); !slices.Equal(got, []string{"last"}) || s.bad != (damage{1, maxRecord + 1 + headBytes + tailBytes}) {
		t.Errorf("got %q, %+v", got, s.bad)
	}
}

// FuzzScanner: any bytes between two good records lose neither, take time in
// proportion to their number, and are counted.
func FuzzScanner(f *testing.F) {
	f.Add([]byte("x"), 3)
	f.Add(frame([]byte("inside")), 1)
	f.Add(frame([]byte("inside"))[1:], 1)
	f.Add(make([]byte, 40), 60)
	for _, path := range fixtures(f) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, 100)
		f.Add(data[3:], 7)
	}
	f.Fuzz(func(t *testing.T, between []byte, cut int) {
		last := frame([]byte("end, which is longer"))
		data := join(frame([]byte("begin")), between, last)
		from := &growing{data: data}
		s := scanner{from: from}
		if cut >= 0 && cut < len(data) {
			from.data = data[:cut]
		}
		all := records(t, &s)
		s.forget()
		from.data = data
		all = append(all, records(t, &s)...)
		size := int64(0)
		for _, r := range all {
			size += int64(headBytes + len(r) + tailBytes)
		}
		if all[0] != "begin" || size+s.bad.bytes != s.off {
			t.Errorf("%q, lost %+v, at %d", all, s.bad, s.off)
		}
		if s.off == int64(len(data)) && all[len(all)-1] != "end, which is longer" {
			t.Errorf("the last record is missing: %q", all)
		}
		if s.off < int64(len(data)) && !holdsAHead(data[len(frame([]byte("begin"))):len(data)-len(last)+headBytes-1]) {
			t.Errorf("the last record was not reached: %q, at %d of %d", all, s.off, len(data))
		}
	})
}

// holdsAHead says whether something that begins in b looks like the head of a
// record: nothing may be skipped before all of that is there.
func holdsAHead(b []byte) bool {
	for at := 0; at+headBytes <= len(b); at++ {
		if _, ok := dataLength(b[at:]); ok {
			return true
		}
	}
	return false
}

func fixtures(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*tfevents*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	return paths
}
