//go:build !linux

package sample

import "time"

// start stands in for boot: other systems give Go no clock that counts in
// suspend without cgo, so time is counted from the start of the process.
var start = time.Now()

func boottime() int64 { return int64(time.Since(start)) }
