package media

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Limits of tables.
const (
	// MaxTableRows bounds a table: more would not be kept by any client.
	MaxTableRows = 200_000
	// MaxPreviewRows is how many rows the file of a run has that some panels show
	// a table from. The artifact that is logged beside it has all.
	MaxPreviewRows = 10_000
)

// ErrTableFull is returned for a row beyond MaxTableRows; the table is as it was.
var ErrTableFull = errors.New("table is full")

// Table is rows of cells under named columns. A column has one type, that of
// its first cells, and nil beside it:
//
//	t := media.NewTable("image", "guess", "score")
//	for ... {
//		if err := t.Add(img, "cat", 0.93); err != nil { ... }
//	}
//	err := run.Log(map[string]any{"predictions": t})
//
// Cells are nil, bool, text, numbers, time.Duration (seconds), time.Time,
// lists, maps and structs of such, and media with files: images, sounds, pages.
// NaN counts as nil for the type of its column.
//
// A table that is logged again is stored again, as it is then; set Mutable to
// say so. The artifact named run-<id>-<key> gets a version each time.
// Methods may be called from any goroutine.
type Table struct {
	Mutable    bool // it is logged more than once, and changes between
	MixedTypes bool // columns may hold anything

	mu      sync.Mutex // guards what follows
	columns []string
	types   []*dtype
	rows    [][]any
	err     error // what is wrong with columns
}

// NewTable begins a table with no rows. Column names are text that is not
// empty, each once; the first Add says it when they are not.
func NewTable(columns ...string) *Table {
	t := &Table{columns: slices.Clone(columns)}
	for i, c := range columns {
		switch {
		case c == "":
			t.err = fmt.Errorf("table column %d has no name", i)
		case slices.Contains(columns[:i], c):
			t.err = fmt.Errorf("table has two columns %q", c)
		}
		t.types = append(t.types, newColumn())
	}
	return t
}

// Add appends a row with a cell for each column. It keeps media, times and maps
// as they are given: change them only after the table was logged. On an error
// the table is as it was.
func (t *Table) Add(cells ...any) error {
	if t == nil {
		return errNil
	}
	row := make([]any, len(cells))
	for i, c := range cells {
		var err error
		if row[i], err = cellOf(c, 0); err != nil {
			return fmt.Errorf("table column %s: %w", t.name(i), err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(row)
}

// name is a column's name for errors.
func (t *Table) name(i int) string {
	if i >= len(t.columns) {
		return fmt.Sprint(i)
	}
	return fmt.Sprintf("%q", t.columns[i])
}

func (t *Table) add(row []any) error {
	switch {
	case t.err != nil:
		return t.err
	case len(row) != len(t.columns):
		return fmt.Errorf("table row of %d cells: want %d: %q", len(row), len(t.columns), t.columns)
	case len(t.rows) >= MaxTableRows:
		return fmt.Errorf("table row %d: %w", len(t.rows), ErrTableFull)
	}
	for i, c := range row {
		if deeper(c, maxNesting) {
			return fmt.Errorf("table column %s: cell nested deeper than %d levels", t.name(i), maxNesting)
		}
	}
	if err := t.widen(row); err != nil {
		return err
	}
	t.rows = append(t.rows, row)
	return nil
}

// widen makes the types of the columns take a row.
func (t *Table) widen(row []any) error {
	if t.MixedTypes {
		return nil
	}
	types := t.types
	for i, c := range row {
		next := types[i].assign(c)
		if next == nil {
			return fmt.Errorf("table column %s: cell of type %s: want %s", t.name(i), typeOf(c), types[i])
		}
		if next == types[i] {
			continue
		}
		if &types[0] == &t.types[0] {
			types = slices.Clone(types) // whoever encodes the table has the others
		}
		types[i] = next
	}
	t.types = types
	return nil
}

// Len is the number of rows.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rows)
}

// Columns returns the names of the columns.
func (t *Table) Columns() []string {
	if t == nil {
		return nil
	}
	return slices.Clone(t.columns)
}

// Row returns a copy of row i: nil, bool, int64, float64, string, time.Time,
// []any, map[string]any, or media. Nil when there is no such row.
func (t *Table) Row(i int) []any {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i < 0 || i >= len(t.rows) {
		return nil
	}
	return slices.Clone(t.rows[i])
}

// Column returns the cells of a column; false when there is none of that name.
func (t *Table) Column(name string) ([]any, bool) {
	if t == nil {
		return nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at := slices.Index(t.columns, name)
	if at < 0 {
		return nil, false
	}
	cells := make([]any, len(t.rows))
	for i, row := range t.rows {
		cells[i] = row[at]
	}
	return cells, true
}

// snapshot is a table that does not change while it is encoded.
type snapshot struct {
	columns []string
	types   []*dtype
	rows    [][]any
	mutable bool
	mixed   bool
}

func (t *Table) snapshot() (snapshot, error) {
	if t == nil {
		return snapshot{}, errNil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil && len(t.columns) == 0 {
		return snapshot{}, errors.New("table has no columns")
	}
	return snapshot{t.columns, t.types, t.rows[:len(t.rows):len(t.rows)], t.Mutable, t.MixedTypes}, t.err
}

// CellType says what a table is as a cell of another one.
func (t *Table) CellType() (string, Object) {
	return "table", Object{"column_types": columnTypes(t.columns, t.types)}
}
