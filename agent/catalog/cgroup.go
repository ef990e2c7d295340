package catalog

var cgroupMetrics = []Metric{}
