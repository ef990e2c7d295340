package gpu

import "github.com/wandb-agent/wandb-agent/agent/sample"

// architectures are the names of NVML_DEVICE_ARCH_*, as W&B spells them.
var architectures = map[uint32]string{
	2: "Kepler", 3: "Maxwell", 4: "Pascal", 5: "Volta", 6: "Turing", 7: "Ampere",
	8: "Ada", 9: "Hopper", 10: "Blackwell", 13: "Rubin",
}

// identify reads what does not change about the GPU with this index. A GPU
// without a readable UUID cannot be told from others: its code is returned.
// What else it does not tell stays empty.
func identify(lib library, index int) (device, sample.GPU, code) {
	var facts sample.GPU
	dev, c := lib.ByIndex(index)
	if c != ok {
		return nil, facts, c
	}
	if facts.UUID, c = dev.UUID(); c != ok {
		return nil, facts, c
	}
	if name, c := dev.Name(); c == ok {
		facts.Name = name
	}
	if id, c := dev.PCIBusID(); c == ok {
		facts.PCIBusID = id
	}
	if cores, c := dev.Cores(); c == ok {
		facts.CUDACores = cores
	}
	if number, c := dev.Architecture(); c == ok {
		facts.Architecture = architectures[number]
	}
	m, c := dev.Memory()
	if c != ok {
		m, c = dev.MemoryV1()
	}
	if c == ok {
		facts.MemoryTotal = m.total
	}
	return dev, facts, ok
}
