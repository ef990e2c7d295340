package catalog

var agentMetrics = []Metric{}
