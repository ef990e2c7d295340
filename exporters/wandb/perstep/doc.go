// Package perstep tells what the hardware did during each step of a run.
//
//	agent ─ Batch ─▶ Meter.Export ─▶ gauges and totals, by time
//	                                        │ integrated up to Mark
//	runapi: Log ─▶ Meter.Mark               ▼
//	        a step is stored ─▶ Meter.Append ─▶ hardware/... items of its row
//
// A step's row is on disk before the samples that cover its end are taken, so
// the last stretch of a step is an estimate that later steps make up for:
//
//   - Process CPU time is read at the very end of the step: exact to the
//     microsecond, for steps of any length.
//   - A reading of a gauge stands for the time since the reading before it, and
//     for the time after it until the next one comes, but for no longer than
//     [MaxAge] intervals. Mean and max of a step are those of that curve between
//     its ends. A step shorter than the sample interval has the reading of its
//     time. The mean is wrong by at most the change between two neighbouring
//     readings, for one sample interval at each end of the step.
//   - A total (joules, bytes) grows in a straight line between two readings, and
//     behind the newest one at the rate of the last interval. What the next
//     reading corrects is spread over the steps of one sample interval. The sum
//     over all steps is wrong by at most the change of the rate between
//     neighbouring intervals, for two intervals; it does not grow.
//   - What was not measured is left out: there is no zero for a missing GPU.
//
// Joules are those of all GPUs that count them; a GPU that only tells its power
// has it integrated. Other consumers are added when a collector counts them.
package perstep
