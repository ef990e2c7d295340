// Package wandbpb holds the protobuf messages of the W&B transaction log
// (.wandb). The field numbers are those that the W&B tools use, so each side
// reads the other's files; the protobuf package is our own, so that a program
// may link the official definitions as well.
//
// The package is public because runapi, exporters and the command line all
// build and read these messages (docs/decisions/0003).
package wandbpb

//go:generate protoc --go_out=. --go_opt=paths=source_relative wandb.proto
