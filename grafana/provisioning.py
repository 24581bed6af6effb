"""What tells a starting Grafana where Graphite and the dashboards are.

Grafana puts environment variables into these files; it has no defaults for those that are not set.
"""

from __future__ import annotations

from grafana.alerts import DATASOURCE_UID, FOLDER
from grafana.panels import Json

GRAPHITE_URL = "HOPS_GRAPHITE_URL"
GRAFANA_DIR = "HOPS_GRAFANA_DIR"

# Seconds until Grafana gives up an answer: a slow disk that has to be read for the first time.
TIMEOUT = 60


def datasources() -> Json:
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Graphite (HOPS)",
                "uid": DATASOURCE_UID,
                "type": "graphite",
                "access": "proxy",
                "url": f"${GRAPHITE_URL}",
                "jsonData": {"graphiteVersion": "1.1", "timeout": TIMEOUT},
            }
        ],
    }


def dashboard_providers() -> Json:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "hops",
                "type": "file",
                "folder": FOLDER,
                "options": {"path": f"${GRAFANA_DIR}/dashboards"},
            }
        ],
    }
