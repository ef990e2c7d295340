// Package sample holds the few types that numbers travel in: what a series is
// (Desc, Series), where it is registered (Schema), one reading of many series
// (Frame), and what a consumer is handed (Batch).
//
//	Collector ── Describe(*Schema) once ──▶ Refs
//	    │
//	    └─ Collect(ctx, *Frame): f.Put(ref, value)   numbers only
//	                   │
//	                 ring ──▶ Batch{Schema, Facts, Events, Frames} ──▶ Exporter
//
// Names, labels and units are settled when a series is added; a tick moves
// only Refs and float64s. A value that could not be measured is absent from
// the frame: never zero, never NaN, never the reading before.
//
// The package is a leaf: it imports the standard library only.
package sample
