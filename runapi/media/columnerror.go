package media

import "fmt"

// ColumnError names a column that a chart wants and its table does not have.
type ColumnError struct {
	Field   string   // of the chart's definition
	Column  string   // that it wants
	Columns []string // that there are
}

// Error names field and column.
func (e *ColumnError) Error() string {
	return fmt.Sprintf("chart field %q: there is no column %q: the table has %q", e.Field, e.Column, e.Columns)
}
