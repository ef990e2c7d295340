package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// result is one benchmark line: metric by unit (ns/op, allocs/op, rows/s).
type result map[string]float64

// goBench runs benchmarks of a package of the repository and returns their
// results by name, without the Benchmark prefix and the CPU suffix.
func goBench(o *options, pkg, pattern, benchtime string) (map[string]result, error) {
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", pattern, "-benchtime", benchtime, "-benchmem", "-count", "3", pkg)
	cmd.Dir = o.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench %s %s: %w\n%s", pattern, pkg, err, out)
	}
	found := map[string]result{}
	sc := bufio.NewScanner(bytes.NewReader(out))
	for sc.Scan() {
		name, r, ok := parseBench(sc.Text())
		if !ok {
			continue
		}
		if old, seen := found[name]; seen && old["ns/op"] <= r["ns/op"] {
			continue // the fastest of three is the least disturbed
		}
		found[name] = r
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("go test -bench %s %s: no benchmark matched", pattern, pkg)
	}
	return found, nil
}

// parseBench reads "BenchmarkX/y-2  100  12 ns/op  0 B/op".
func parseBench(line string) (string, result, bool) {
	f := strings.Fields(line)
	if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
		return "", nil, false
	}
	name := strings.TrimPrefix(f[0], "Benchmark")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name = name[:i]
	}
	r := result{}
	for i := 2; i+1 < len(f); i += 2 {
		v, err := strconv.ParseFloat(f[i], 64)
		if err != nil {
			return "", nil, false
		}
		r[f[i+1]] = v
	}
	return name, r, true
}
