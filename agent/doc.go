// Package agent is the engine: it ticks sources, keeps their frames in a ring
// of fixed size, and hands them to outputs.
//
//	Source (one goroutine, one reusable Frame, panic fence, watchdog)
//	   │ Collect
//	   ▼
//	ring: hardware lane │ row lane ◀── Append (runapi, followers)
//	   │ a cursor per Output; losses counted
//	   ▼
//	pump (one goroutine per Output; owns retry and accounting) ─▶ Exporter
//
// Promises: a source that is late, hangs or panics delays nobody; a slow
// output falls behind alone and what it loses is counted; memory is bounded.
// Constructors start nothing: Run blocks until its context ends and everything
// it started has ended.
package agent
