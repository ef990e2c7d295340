package catalog

var gpuMetrics = []Metric{}
