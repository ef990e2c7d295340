// Package host measures the whole machine: CPU, load, memory, pressure,
// disks, filesystems, network interfaces.
//
//	host/fast    1 s   stat meminfo loadavg uptime pressure diskstats net/dev
//	host/medium  10 s  vmstat file-nr cpu topology, frequency, links, statfs of local filesystems
//	host/fs/PATH 60 s  statfs of one path asked for on a filesystem that may block
//	     │
//	     └─ a Collector is a list of readers, one per kernel file or subject:
//	        describe opens the file and adds the series that it has,
//	        collect reads it by its kept descriptor and puts numbers
//
// A tick allocates nothing. Devices are matched by name in the order of the
// reading before; when the set of names changed, Collect returns
// sample.ErrChanged and the next Describe keeps the Refs of all that stayed.
// What cannot be read is absent, logged once and told by Explain.
//
// On systems other than Linux a smaller set comes through gopsutil.
package host
