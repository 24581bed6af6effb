"""A Graphite, a Diamond and a Grafana of our own, in a folder: what demo and tests start."""
