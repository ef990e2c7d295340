// Package archtest holds no code, only tests of the rules that the whole
// module keeps:
//
//	every .go file below the root ──▶ parse ─┬─▶ who may import whom   (imports_test.go)
//	                                         ├─▶ libraries keep still  (still_test.go)
//	                                         └─▶ names are explained   (comments_test.go)
//	go list -deps ─────────────────────────────▶ weight of imports     (weight_test.go)
//	every text file ───────────────────────────▶ no path of a machine  (paths_test.go)
//	docs ──────────────────────────────────────▶ numbers, links, layout (docs_test.go)
//
// Files are parsed and not built, so the rules hold for every operating system
// and every build tag. Each rule is also run on sources that break it.
package archtest
