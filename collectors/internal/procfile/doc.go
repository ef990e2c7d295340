// Package procfile reads small kernel files again and again: descriptors stay
// open, pread(2) fills one reused buffer, numbers are scanned in place.
// Nothing on the reading path allocates once the buffer has grown.
//
// Raw descriptors are used instead of os.File because pollable kernel files
// (mountinfo, pressure) would be registered with the runtime's poller. A kept
// descriptor of /proc/PID/file is bound to that process, not to the number:
// after the process was reaped every read fails with ESRCH.
package procfile
