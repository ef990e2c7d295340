package sample

// Kind tells how values of a series behave in time, in the sense of the
// OpenTelemetry metrics data model.
type Kind uint8

const (
	// Gauge is a reading of the moment: sums over time mean nothing.
	Gauge Kind = iota
	// Counter only grows, until it starts again with a new start time.
	Counter
	// UpDown is a sum that may fall, such as bytes in use.
	UpDown
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	switch k {
	case Gauge:
		return "gauge"
	case Counter:
		return "counter"
	case UpDown:
		return "updown"
	}
	return "unknown"
}

// Label is one attribute of a series, in OpenTelemetry spelling
// (cpu.mode=user).
type Label struct{ Name, Value string }

// Desc describes a series completely. Two Descs with equal Name and Labels
// (in the same order) are the same series.
type Desc struct {
	Name   string  // OpenTelemetry spelling: system.cpu.time
	Unit   string  // UCUM: s, By, 1, Cel
	Help   string  // one sentence for people
	Kind   Kind    // how values behave
	Labels []Label // owned by the Desc: callers do not change it afterwards
}

// Label returns the value of the label called name, or "".
func (d *Desc) Label(name string) string {
	for i := range d.Labels {
		if d.Labels[i].Name == name {
			return d.Labels[i].Value
		}
	}
	return ""
}

// appendKey appends the identity of d within scope to dst. NUL separates the
// parts; it is not valid in a name.
func (d *Desc) appendKey(dst []byte, scope RunID) []byte {
	dst = append(dst, scope...)
	dst = append(dst, 0)
	dst = append(dst, d.Name...)
	for i := range d.Labels {
		dst = append(dst, 0)
		dst = append(dst, d.Labels[i].Name...)
		dst = append(dst, 0)
		dst = append(dst, d.Labels[i].Value...)
	}
	return dst
}
