package catalog

var processMetrics = []Metric{}
