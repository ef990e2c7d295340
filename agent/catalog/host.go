package catalog

var hostMetrics = []Metric{}
