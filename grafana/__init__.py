"""Grafana dashboards and alert rules as code; `python -m grafana.build` writes them."""
