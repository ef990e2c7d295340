// Package cgroup measures the control group that a followed process sits in:
// CPU and throttling, memory and its limits, out-of-memory kills, threads.
//
//	/proc/PID/cgroup ──▶ path per hierarchy ─┐
//	/proc/self/mountinfo ──▶ mount points ───┴▶ directory per controller
//	                                              │ v1 or v2, decided per controller
//	fast (1 s): cpu.stat, memory.current, pids.current
//	medium (10 s): memory.stat, memory.events, limits of the group and of every
//	               group above it, and whether the process moved
//
// Where the process sits in the root group of a hierarchy its figures are the
// host's, and nothing is published for that controller. A limit that is not
// set is absent. The files are described in the kernel's
// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
//
// Identity (container, pod, Slurm job) comes from the path, else from the
// mounts of the process; of its environment only listed names are taken.
package cgroup
