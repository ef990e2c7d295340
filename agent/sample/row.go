package sample

// RowName is the name of the series that rows travel under: what programs
// logged, one series per key, in frames of the row lane.
const RowName = "wandb.history"

// rowLabel is the label that holds the key of a row series.
const rowLabel = "key"

// RowDesc describes the series of the key of a row that a program logged. The
// key is kept byte for byte; exporters make it valid by their own rule. Values
// of rows may be NaN or infinite: that is what the program measured.
func RowDesc(key string) Desc {
	return Desc{
		Name:   RowName,
		Kind:   Gauge,
		Help:   "Newest value that the program logged under the key.",
		Labels: []Label{{Name: rowLabel, Value: key}},
	}
}

// RowKey returns the key that d was made for by RowDesc; false when d is no
// series of rows.
func (d *Desc) RowKey() (string, bool) {
	if d.Name != RowName {
		return "", false
	}
	return d.Label(rowLabel), true
}
