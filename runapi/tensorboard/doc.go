// Package tensorboard brings what a program writes for TensorBoard into a run:
// it follows a directory of event files (tfevents) as TensorFlow, PyTorch,
// tensorboardX and JAX write them, while they grow.
//
//	run, err := runapi.Init(ctx, runapi.Settings{Project: "mnist"})
//	...
//	events, err := tensorboard.Follow(ctx, run, "runs/mnist", tensorboard.Options{})
//	if err != nil { ... }
//	defer events.Close()
//
// The command wandb-agent does the same for a program in any language:
// wandb-agent exec --tensorboard runs -- python3 train.py.
//
//	dir/*tfevents*  ─┐ look for new files     ┌─ train/events...  ─ records ─ events ─┐ by wall time
//	dir/train/...   ─┘ every 5 s, also below  └─ eval/events...   ─ records ─ events ─┴─▶ rows ─▶ run
//
// # Rows
//
// A row holds what one directory has for one step: events of the same step that
// come one behind the other. Its keys are the tags; those of a sub-directory begin
// with its path: train/loss for the tag loss in dir/train. With them go
// global_step, the step as TensorBoard has it, and _timestamp, the wall time of
// the step's last event. A key that comes twice for a step begins another row:
// nothing is overwritten.
//
// TensorBoard's steps may repeat and go back. They are never steps of the run:
// rows are counted as they are complete (see runapi.Run.Writer), and none is refused
// for its step. Files that wait to be read are read in the order of their events' wall
// times. Plot against global_step.
//
// A row is stored when the directory's next step begins, when nothing came for
// 15 s, and at the end.
//
// # Values
//
// Scalars (simple_value and tensors of one number), histograms (HistogramProto
// and the tensors of TensorFlow 2) with the bins that the file has, at most 512 (the
// official client keeps fewer), and images (PNG, JPEG, and GIF as video).
// Everything else (text, audio, graphs, hyperparameters) is counted as Skipped.
//
// # Files
//
// A record with a wrong checksum is skipped and counted as soon as a good one
// stands behind it; until then it may be one that is being written. A file that is
// replaced or cut is read from its beginning. What is in a file when the run
// ends is in the run. Event files become files of the run under their path below
// the directory, as they are at the end.
//
// Files that were made before the run are left alone: a directory collects those
// of many runs. Options.Since says otherwise.
//
// Nothing here waits for a network, and no call of the program waits for a file.
package tensorboard
