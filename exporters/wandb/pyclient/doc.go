// Package pyclient finds the runs that the official Python client makes in a
// tree of processes, while it makes them.
//
//	python train.py ──▶ its service, "wandb-core" ──▶ .../run-DATE-ID/run-ID.wandb
//	                    in the tree: known by a mark     found among the service's
//	                    in its environment or by         open files
//	                    its parents
//
// Nothing is asked of the client and nothing of it is run: only procfs is read,
// each process that is born is looked at a few times, and where procfs is not readable nothing
// is found. A log that was closed before somebody looked is not found either:
// look ten times a second, a service needs longer to start.
package pyclient
