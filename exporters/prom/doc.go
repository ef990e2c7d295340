// Package prom shows the newest values at a scrape path in the Prometheus text
// format.
//
//	pump ─▶ Export: newest value per series
//	                    │ names and labels rendered once per series
//	scrape ─▶ Handler ─▶ Collect ─▶ client_golang ─▶ text
//
// Names follow the OpenTelemetry rules for Prometheus
// (opentelemetry-specification: compatibility/prometheus_and_openmetrics.md):
// system.cpu.time in s becomes system_cpu_time_seconds_total. Rows that
// programs logged are wandb_history{key="loss"}. Series of a run have the label
// run_id. The catalogue's canonical names are the only vocabulary here.
//
// Rules for what a scrape cannot hold:
//
//   - Bytes that are not valid in a name become an underscore, invalid UTF-8 in
//     a label value becomes U+FFFD, and labels whose names fall together are
//     joined with a semicolon. A series that then has the name and labels of
//     another, or another type under the same name, is hidden and counted in
//     wandb_agent_scrape_hidden_series: the first one stays, and the scrape
//     never fails.
//   - A measured value that is not finite is absent. Rows keep NaN and
//     infinities: that is what the program logged.
//   - A measured series vanishes when it ends, or when it has had no reading for
//     5 s and 2.5 of its own intervals. A row keeps its last value until its
//     run ends.
//   - Values have no timestamps, so that Prometheus can mark what vanishes as
//     stale.
//
// Responses are not compressed: on the loopback and in a cluster that costs
// more CPU than it saves.
package prom
