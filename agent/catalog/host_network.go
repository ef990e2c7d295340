package catalog

import "github.com/wandb-agent/wandb-agent/agent/sample"

var (
	interfaceLabels = []string{"network.interface.name"}
	directionLabels = []string{"network.interface.name", "network.io.direction"}
)

var hostNetwork = []Metric{
	{Name: "system.network.io", Unit: "By", Kind: sample.Counter, Status: Development,
		Help:   "Bytes of an interface in the network namespace of the agent; lo included, RDMA not.",
		Labels: directionLabels, Source: "/proc/net/dev columns 1, 9",
		Views: []View{
			{In: WandB, Key: "network.recv", Where: where("network.io.direction", "receive"), Op: Since},
			{In: WandB, Key: "network.sent", Where: where("network.io.direction", "transmit"), Op: Since},
			{In: WandB, Key: "agent.net.{network.interface.name}.rx", Where: where("network.io.direction", "receive"), Op: Rate},
			{In: WandB, Key: "agent.net.{network.interface.name}.tx", Where: where("network.io.direction", "transmit"), Op: Rate},
		}},
	{Name: "system.network.packet.count", Unit: "{packet}", Kind: sample.Counter, Status: Development,
		Help:   "Packets of an interface.",
		Labels: []string{"network.interface.name", "network.io.direction", "system.device"}, Source: "/proc/net/dev columns 2, 10"},
	{Name: "system.network.errors", Unit: "{error}", Kind: sample.Counter, Status: Development,
		Help: "Errors of an interface.", Labels: directionLabels, Source: "/proc/net/dev columns 3, 11"},
	{Name: "system.network.packet.dropped", Unit: "{packet}", Kind: sample.Counter, Status: Development,
		Help:   "Packets dropped without an error; received ones that nobody wanted count too.",
		Labels: directionLabels, Source: "/proc/net/dev columns 4, 12",
		Views: []View{{In: WandB, Key: "agent.net.{network.interface.name}.drops", Op: Rate}}},
	{Name: "system.linux.network.fifo_errors", Unit: "{error}", Kind: sample.Counter, Status: Ours,
		Help: "Overruns and underruns of the interface's queue.", Labels: directionLabels, Source: "/proc/net/dev columns 5, 13"},
	{Name: "system.linux.network.frame_errors", Unit: "{error}", Kind: sample.Counter, Status: Ours,
		Help: "Frames received with a wrong length, checksum or alignment.", Labels: interfaceLabels, Source: "/proc/net/dev column 6"},
	{Name: "system.linux.network.compressed", Unit: "{packet}", Kind: sample.Counter, Status: Ours,
		Help: "Compressed packets (PPP and SLIP).", Labels: directionLabels, Source: "/proc/net/dev columns 7, 16"},
	{Name: "system.linux.network.multicast", Unit: "{packet}", Kind: sample.Counter, Status: Ours,
		Help: "Multicast packets received.", Labels: interfaceLabels, Source: "/proc/net/dev column 8"},
	{Name: "system.linux.network.collisions", Unit: "{collision}", Kind: sample.Counter, Status: Ours,
		Help: "Collisions while sending.", Labels: interfaceLabels, Source: "/proc/net/dev column 14"},
	{Name: "system.linux.network.carrier_errors", Unit: "{error}", Kind: sample.Counter, Status: Ours,
		Help: "Carrier losses and other errors while sending.", Labels: interfaceLabels, Source: "/proc/net/dev column 15"},
	{Name: "hw.network.bandwidth.limit", Unit: "By/s", Kind: sample.UpDown, Status: Development,
		Help:   "Speed of the link; absent where the driver does not say, as on lo and most virtual interfaces.",
		Labels: []string{"hw.id", "network.interface.name"}, Source: "/sys/class/net/NAME/speed, Mbit/s × 125000"},
	{Name: "hw.network.up", Unit: "1", Kind: sample.UpDown, Status: Development,
		Help:   "1 when the interface can carry packets, else 0.",
		Labels: []string{"hw.id", "network.interface.name"}, Source: "/sys/class/net/NAME/operstate; carrier where that says unknown"},
}
