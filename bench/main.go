// Command bench prints one table: what this repository costs, beside a floor or
// a named peer measured in the same run.
//
//	make bench                    all of it, a quarter of an hour
//	cd bench && go run . -only tick,log
//
// Peers live in this module so that they never enter the product's go.mod.
// Figures are only comparable within one run on a quiet machine.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// row is one line of the table.
type row struct {
	what, ours, peer, peerName, ratio, budget string
}

// section measures one subject.
type section struct {
	name string
	run  func(*options) ([]row, error)
}

type options struct {
	root    string // of the repository
	seconds int    // length of paced and whole-process measurements
	rows    int    // of the runs that W&B clients upload
	repeat  int    // how often they do
}

var sections = []section{
	{"tick", hostTick},
	{"tree", treeTick},
	{"ring", ringAppend},
	{"log", rowLog},
	{"lograte", logRate},
	{"online", online},
	{"scrape", scrape},
	{"start", startFinish},
	{"agent", wholeAgent},
	{"size", binarySize},
	{"sync", syncRun},
	{"upload", onlineRun},
	{"artifact", artifacts},
}

func main() {
	only := flag.String("only", "", "comma separated sections (default all)")
	o := &options{root: ".."}
	flag.IntVar(&o.seconds, "seconds", 30, "length of paced and whole-process measurements")
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of the run that W&B clients upload")
	flag.IntVar(&o.repeat, "repeat", 5, "how often they do; the median counts")
	flag.Parse()
	fmt.Printf("%s %s/%s, %d CPUs\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Printf("%-46s %14s %14s  %-22s %8s  %s\n", "what", "ours", "peer", "peer is", "ratio", "budget")
	failed := false
	for _, s := range sections {
		if *only != "" && !strings.Contains(","+*only+",", ","+s.name+",") {
			continue
		}
		rows, err := s.run(o)
		for _, r := range rows {
			fmt.Printf("%-46s %14s %14s  %-22s %8s  %s\n", r.what, r.ours, r.peer, r.peerName, r.ratio, r.budget)
		}
		if err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "bench %s: %v\n", s.name, err)
		}
	}
	if failed {
		os.Exit(1)
	}
}

// ratio formats ours over peer.
func ratio(ours, peer float64) string {
	if peer == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", ours/peer)
}

// micros formats nanoseconds.
func micros(ns float64) string {
	if ns < 1000 {
		return fmt.Sprintf("%.0f ns", ns)
	}
	return fmt.Sprintf("%.1f µs", ns/1e3)
}
