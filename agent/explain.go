package agent

// Absence is one thing that could not be measured, in words for people: the
// series is missing from every output and this says why.
type Absence struct {
	Metric string // canonical name, or several separated by ", "
	Reason string // what was tried and how it failed: "open /proc/pressure/cpu: no such file or directory"
	Remedy string // what would bring it back; "" when nothing is known
}

// Explainer is a Collector that knows what it leaves out. Explain may be
// called at any time from any goroutine, also while Collect is under way or
// stuck; the result is the caller's. It is empty when all is measured.
type Explainer interface{ Explain() []Absence }
