// Package derive turns canonical series into another vocabulary: it evaluates
// the Views of agent/catalog for one output.
//
//	Batch ── Observe ──▶ per series: newest reading, first one, the one at the
//	                     previous evaluation, restarts
//	                        │
//	Evaluate ◀── groups: view × labels named in its key (built once per schema
//	   │                 version, keys rendered then)
//	   └─▶ emit(key, value, time)
//
// Rules, all of which follow from "absent is not zero":
//
//   - A series that belongs to a group and has no reading makes the group yield
//     nothing, and so does a missing operand, a divisor of 0, and a result that
//     is not finite.
//   - A reading counts for as long as its series is alive: a series without a
//     new reading for three evaluations and for 2.5 of its own intervals is
//     stale. A series that ended gives what it measured before its end, once.
//   - A counter that restarts (its generation grew, or it fell) gives no rate
//     and no total in the evaluation that saw it. Totals go on afterwards: what
//     was counted before the restart, or by series that have ended, is kept.
//   - Evaluate without any new reading since the last one emits nothing.
//
// A Set is used by one goroutine. In steady state neither Observe nor Evaluate
// allocates.
package derive
