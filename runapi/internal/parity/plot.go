package parity

var plotRows = []Row{
	{ID: "PLOT-01", What: "Custom chart over a table by Vega spec name"},
	{ID: "PLOT-02", What: "Table key used to store the data"},
	{ID: "PLOT-03", What: "Fields map table columns to chart fields"},
	{ID: "PLOT-04", What: "string_fields constants"},
	{ID: "PLOT-05", What: "split_table: table in its own section"},
	{ID: "PLOT-06", What: "Presets"},
}
