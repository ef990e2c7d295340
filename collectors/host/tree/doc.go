// Package tree follows one process with everything it starts, and measures the
// whole of it: CPU time, memory, faults, threads, storage I/O.
//
//	fast source (1 s)                      medium source (10 s)
//	  read stat, statm of each member        the same, then io of each member
//	  settle: who left, and who got          full scan for parents missed
//	          what they had used             affinity, ignored SIGCHLD
//	  loadavg gate ─▶ probe new pids
//	        │
//	  ends watch (Run): members that nobody in the tree will reap are read
//	  more often while they are young
//
// Members are keyed by (pid, start time) and read through kept descriptors,
// which the kernel binds to the process and not to the number. A member stays
// one when its parent dies.
//
// # What is counted
//
// For CPU time, faults and I/O the kernel hands a child's total (its own and
// that of the children it waited for) to the parent that waits for it, and to
// nobody when the child is reaped by init or when its parent ignores SIGCHLD
// (wait_task_zombie and release_task in kernel/exit.c). So the tree's total is
//
//	Σ members (own + reaped) + retired − baseline
//
// baseline is what the members had used when following began; retired is what
// members had used that left without being reaped inside the tree. A member
// that vanished counts as reaped inside when the gain of its living parent's
// reaped figures since the last look (or, if the parent vanished too, of an
// ancestor's) covers the member's last figures in minor faults, major faults
// and both CPU modes at once; each gain is used once, parents before children.
// Faults are exact integers that every process has, which is what makes the
// test sharp. Output never steps back.
//
// # Bounds
//
//   - A child born and reaped between two ticks is counted in full.
//   - A child born and gone between two ticks that no member reaped (parent
//     ignores SIGCHLD, or an orphan) is not seen: at most one tick of its work.
//   - An orphan whose intermediate parent was gone before the next tick is
//     found by session (if the followed process leads one) or by
//     Config.OrphanMarker; without either it is not seen.
//   - A member that nobody in the tree reaps is read each time it is half a
//     percent older, but not more often than every 10 ms nor less often than
//     every tick: what it does after the last reading is lost.
//   - When a whole branch vanishes within one tick while its grandparent also
//     reaps unseen children, a part of the branch may be taken for reaped; the
//     error is at most what those unseen children used.
package tree
