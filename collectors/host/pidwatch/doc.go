// Package pidwatch waits for the end of any process, child or not, and tells
// its exit status where the kernel lets us know it.
//
//	Open(pid)   pidfd_open ──▶ /proc/PID/stat, /proc/PID/io kept open ──▶ pidfd still ours?
//	Wait(ctx)   pidfd in the runtime's poller
//	              POLLIN   the whole process has exited      ──▶ zombie's field 52 of stat
//	              POLLHUP  its parent has collected it       ──▶ ioctl PIDFD_GET_INFO, exit bit
//	              neither answers                            ──▶ Known == false, never exit 0
//
// A process is held by its pidfd from Open on, so a number that the kernel
// gives to another process afterwards is never followed. Nothing is polled
// periodically: a waiting Process costs no CPU time.
//
// On the tick of a collector, where nothing may wait or allocate, the question
// is smaller, and collectors/internal/pidfd answers it.
//
// Needs Linux 5.3 (pidfd_open). The status of a collected process needs 6.15,
// or permission to trace the process and the luck to see it before its parent
// collects it.
package pidwatch
