package gputest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// State is what a simulated GPU does.
type State uint32

const (
	// Busy values move over time; it is the state at start.
	Busy State = iota
	// Idle is a GPU that nobody uses.
	Idle
	// Fixed values are known numbers: see standin.c.
	Fixed
	// Lost answers every call with "GPU is lost".
	Lost
)

// System is the place of calls that name no GPU, where a GPU is asked for.
const System = maxGPUs

// Layout of the control file; control.h has the same numbers.
const (
	maxGPUs        = 8
	maxCalls       = 32
	maxProcesses   = 16
	stateOffset    = 8
	fieldOffset    = stateOffset + 4*maxGPUs
	ruleOffset     = fieldOffset + 4*maxGPUs + 24
	ruleSize       = 16
	processOffset  = ruleOffset + (maxGPUs+1)*maxCalls*ruleSize
	processSize    = 16
	controlSize    = processOffset + maxGPUs*maxProcesses*processSize
	delayInRule    = 4
	countInRule    = 8
	controlRelPath = "standin.ctl"
)

// Library is a built stand-in with its control file. Its methods may be called
// at any time, also while the library runs.
type Library struct {
	Path  string // of libnvidia-ml.so.1
	t     testing.TB
	file  *os.File
	calls map[string]int
}

// Process is one entry of a simulated GPU's process lists.
type Process struct {
	PID       int    // as the driver tells it
	Graphics  bool   // else in the list of compute processes
	UsedBytes uint64 // of GPU memory
}

func control(t testing.TB, path string) *Library {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(filepath.Dir(path), controlRelPath), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if err := file.Truncate(int64(controlSize)); err != nil {
		t.Fatal(err)
	}
	return &Library{Path: path, t: t, file: file, calls: callNames(t)}
}

// callNames reads the order of the calls from the C list.
func callNames(t testing.TB) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Source(), "calls.h"))
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]int)
	for i, m := range regexp.MustCompile(`(?m)^CALL\((\w+)\)$`).FindAllSubmatch(text, -1) {
		names[string(m[1])] = i
	}
	return names
}

// GPUs sets how many GPUs there are, 1 to 8. Set it before the library loads.
func (l *Library) GPUs(n int) { l.put(0, uint32(n)) }

// State sets what a GPU does from its next call on.
func (l *Library) State(gpu int, s State) { l.put(stateOffset+4*gpu, uint32(s)) }

// FieldAnswer makes every field value of a GPU carry an NVML return code.
func (l *Library) FieldAnswer(gpu int, code uint32) { l.put(fieldOffset+4*gpu, code) }

// Answer makes a call return an NVML code instead of working; 0 ends that.
func (l *Library) Answer(gpu int, call string, code uint32) { l.put(l.rule(gpu, call), code) }

// Delay makes a call hang for d; 0 also lets go the calls that hang now.
func (l *Library) Delay(gpu int, call string, d time.Duration) {
	l.put(l.rule(gpu, call)+delayInRule, uint32(d.Milliseconds()))
}

// Count returns how often a call was made on a GPU.
func (l *Library) Count(gpu int, call string) uint64 {
	var b [8]byte
	l.read(b[:], l.rule(gpu, call)+countInRule)
	return binary.LittleEndian.Uint64(b[:])
}

// Calls returns how many calls were made on a GPU.
func (l *Library) Calls(gpu int) uint64 {
	var sum uint64
	for call := range l.calls {
		sum += l.Count(gpu, call)
	}
	return sum
}

// Processes sets the processes that hold contexts on a GPU, at most 15.
func (l *Library) Processes(gpu int, list ...Process) {
	l.t.Helper()
	if len(list) >= maxProcesses {
		l.t.Fatalf("%d processes, the stand-in holds %d", len(list), maxProcesses-1)
	}
	b := make([]byte, maxProcesses*processSize)
	for i, p := range list {
		at := b[i*processSize:]
		binary.LittleEndian.PutUint32(at, uint32(p.PID))
		if p.Graphics {
			binary.LittleEndian.PutUint32(at[4:], 1)
		}
		binary.LittleEndian.PutUint64(at[8:], p.UsedBytes)
	}
	l.write(b, processOffset+gpu*len(b))
}

func (l *Library) rule(gpu int, call string) int {
	l.t.Helper()
	i, ok := l.calls[call]
	if !ok {
		l.t.Fatalf("the stand-in has no call %q", call)
	}
	return ruleOffset + (gpu*maxCalls+i)*ruleSize
}

func (l *Library) put(offset int, v uint32) {
	l.t.Helper()
	l.write(binary.LittleEndian.AppendUint32(nil, v), offset)
}

func (l *Library) write(b []byte, offset int) {
	l.t.Helper()
	if _, err := l.file.WriteAt(b, int64(offset)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *Library) read(b []byte, offset int) {
	l.t.Helper()
	if _, err := l.file.ReadAt(b, int64(offset)); err != nil {
		l.t.Fatal(err)
	}
}
