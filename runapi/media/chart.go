package media

import "errors"

// Chart is a chart that W&B draws of a table, with a Vega definition that it
// knows by name. The constructors of this package make those that W&B comes with:
// LinePlot, ScatterPlot, BarPlot, HistogramPlot, LineSeries, PRCurve, ROCCurve,
// ConfusionMatrix.
//
// A chart that is logged under a key is stored as the table under <key>_table,
// and as a description in the run's config. It can be logged alone, not in a list
// or as a summary value.
type Chart struct {
	Spec    string            // name of the definition: wandb/line/v0, or entity/name
	Table   *Table            // what it shows
	Fields  map[string]string // field of the definition: column of the table; "" leaves it empty
	Strings map[string]string // constants of the definition, such as title
	Split   bool              // show the table in a section of its own, not beside the chart

	// TableKey is the key that the table is stored under, in place of the one made
	// of the chart's.
	TableKey string
}

func (Chart) loggedOnly() {}

// MediaKey is the key of the chart's table.
func (c Chart) MediaKey(key string) string {
	switch {
	case c.TableKey != "":
		return c.TableKey
	case c.Split:
		return "Custom Chart Tables/" + key + "_table"
	}
	return key + "_table"
}

// StoreMedia stores the table and describes the chart. Elsewhere than in a run it
// is ErrLoggedOnly.
func (c Chart) StoreMedia(dst Store) (Object, error) {
	run, err := inRow(dst)
	switch {
	case err != nil:
		return nil, err
	case c.Spec == "":
		return nil, errors.New("chart: want the name of a definition in Spec")
	case c.Table == nil:
		return nil, errors.New("chart: want a Table")
	}
	if err := c.checkFields(); err != nil {
		return nil, err
	}
	o, err := c.Table.StoreMedia(dst)
	if err != nil {
		return nil, err
	}
	run.Describe([]string{"visualize", run.LoggedAs()}, c.panel(c.MediaKey(run.LoggedAs())))
	return o, nil
}

// checkFields wants the columns to be there.
func (c Chart) checkFields() error {
	for field, column := range c.Fields {
		if column == "" {
			continue
		}
		if _, ok := c.Table.Column(column); !ok {
			return &ColumnError{Field: field, Column: column, Columns: c.Table.Columns()}
		}
	}
	return nil
}

// panel is how W&B describes a chart over the table of a key (see wandb/wandb
// wandb/plot/custom_chart.py).
func (c Chart) panel(tableKey string) Object {
	name := func(s string, args ...any) Object {
		o := Object{"name": s, "fields": []any{}}
		if len(args) > 0 {
			o["args"] = args
		}
		return o
	}
	runs := name("runSets", Object{"name": "runSets", "value": "${runSets}"})
	runs["fields"] = []any{name("id"), name("name"), name("_defaultColorIndex"), name("summaryTable", Object{"name": "tableKey", "value": tableKey})}
	fields, texts := Object{}, Object{}
	for k, v := range c.Fields {
		fields[k] = nil
		if v != "" {
			fields[k] = v
		}
	}
	for k, v := range c.Strings {
		texts[k] = v
	}
	return Object{"panel_type": "Vega2", "panel_config": Object{
		"panelDefId": c.Spec, "fieldSettings": fields, "stringSettings": texts,
		"transform": Object{"name": "tableWithLeafColNames"},
		"userQuery": Object{"queryFields": []any{runs}},
	}}
}

// ChartOptions of the charts that W&B comes with.
type ChartOptions struct {
	Title  string
	Split  bool   // see Chart
	Stroke string // LinePlot: the column that tells lines apart
	XName  string // LineSeries: title of the x axis; x when empty
}

func (o ChartOptions) chart(spec string, t *Table, fields map[string]string) Chart {
	return Chart{Spec: spec, Table: t, Fields: fields, Strings: map[string]string{"title": o.Title}, Split: o.Split}
}

// LinePlot draws column y over column x.
func LinePlot(t *Table, x, y string, o ChartOptions) Chart {
	return o.chart("wandb/line/v0", t, map[string]string{"x": x, "y": y, "stroke": o.Stroke})
}

// ScatterPlot draws a point for each row.
func ScatterPlot(t *Table, x, y string, o ChartOptions) Chart {
	return o.chart("wandb/scatter/v0", t, map[string]string{"x": x, "y": y})
}

// BarPlot draws a bar for each row: column label names it, column value is its
// length.
func BarPlot(t *Table, label, value string, o ChartOptions) Chart {
	return o.chart("wandb/bar/v0", t, map[string]string{"label": label, "value": value})
}

// HistogramPlot shows how the values of a column are spread.
func HistogramPlot(t *Table, value string, o ChartOptions) Chart {
	return o.chart("wandb/histogram/v0", t, map[string]string{"value": value})
}
