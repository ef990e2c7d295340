package catalog

// Vocabulary is a set of names people already have dashboards for.
type Vocabulary uint8

const (
	// WandB is the keys of W&B's system metrics, without the system. prefix.
	WandB Vocabulary = iota + 1
	// NodeExporter is the names of Prometheus's node_exporter.
	NodeExporter
	// DCGM is the names of NVIDIA's dcgm-exporter.
	DCGM
)

// Op is what is done to a series before it is scaled.
type Op uint8

const (
	// Value is the newest reading.
	Value Op = iota
	// Since is the reading minus the first one seen (bytes since start). What
	// was counted before a restart, or by series that have ended, is kept.
	Since
	// Rate is the difference to the previous evaluation (at first: to the first
	// reading) over the true time between the two readings, per second. It needs
	// a new reading.
	Rate
)

// View is one metric in another vocabulary. It stands in the row of its
// numerator, whose series are grouped by the labels that Key names. The value
// of a group is
//
//	Scale × (sum of Op(series that match Where) − Minus) / Over
//
// Evaluation yields nothing when any part is missing, be it one series of a sum
// (collectors end the series that are over): absent is not zero. Of several
// views with one Key the one of the lowest Rank that yields a value wins, so a
// container's limit can come before the host's.
type View struct {
	In    Vocabulary
	Key   string            // {label} stands for the label's value, {label#} for the number at its end (gpu3: 3)
	Where map[string]string // label values that must match, "" for series without the label; nil matches all
	Op    Op
	Scale float64 // 0 means 1
	Minus Operand // zero Operand: nothing is subtracted
	Over  Operand // zero Operand: no division; a divisor of 0 yields nothing
	Floor bool    // a negative result becomes 0
	Rank  int     // lower wins among views with one key
	Peak  bool    // the highest value between two records is wanted too, as agent.max.<Key>
}

// Operand is the newest value of other series, summed over those that match
// Where and agree with the group in every label that Key names and they have.
// They are of the group's run, or of the host when the run has none; for a
// group of the host that has none, of the run when only one takes part.
type Operand struct {
	Metric string            // canonical name; "" is the zero Operand
	Where  map[string]string // as in View
}
