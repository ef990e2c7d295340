// Package otel delivers every sample to an OTLP/HTTP receiver, with the time at
// which it was measured.
//
//	pump ─▶ Export: frames ─▶ points (original time, start time, attributes)
//	           │ requests of at most MaxPoints, per run
//	           ▼
//	        the OpenTelemetry SDK's otlpmetrichttp exporter ─▶ checked transport
//	           ▲                                                  │
//	           └── acknowledged only by a valid OTLP answer ◀─────┘
//
// The SDK's instruments keep only the last value of an interval, so they are
// not used: metricdata is built from frames. The SDK's own retry is off: the
// pump owns retry, and after an error offers the same frames again. Frames that
// a receiver has confirmed are not sent again; after a lost answer a point may
// arrive twice with equal time and value.
//
// What becomes of the values:
//
//   - Counters are cumulative monotonic sums, UpDown series non-monotonic ones.
//     Their start time is Series.Start, else that of the first reading. After a
//     restart (the generation grew, or a counter fell) it is the new
//     Series.Start, else the time of the last reading before it. They are
//     cumulative whatever OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE is.
//   - A measured value that is not finite is left out and counted.
//   - Rows that programs logged are gauges named wandb.history with the
//     attribute key: the last value of each key per export, NaN and infinities
//     included, which OTLP can carry.
//   - Invalid UTF-8 in names and attributes becomes U+FFFD. A series that then
//     equals another is left out and counted.
//   - Series of a run are sent with a resource of their own, which has
//     wandb.run.id and process.*. Events are not metrics and are not sent.
//
// What becomes of answers:
//
//   - 2xx with an OTLP message in protobuf or JSON, or with an empty body (the
//     encoding of "all taken", which some receivers send without a type), is an
//     acknowledgement. Any other body is not: proxies answer 200 with a page.
//   - A partial success is reported as *agent.PartialError and counted in
//     points. The answer is read here, so it does not reach OpenTelemetry's
//     global error handler.
//   - 413 halves the request. Any other 4xx except 408 and 429 is permanent
//     for the points of that request; the rest of the batch is still sent.
//   - 408, 429, 5xx, 3xx (redirects are not followed: headers may be secret)
//     and transport errors are retried by the pump. Retry-After is honoured up
//     to five minutes: until then Export fails without sending.
package otel
