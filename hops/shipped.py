"""Where the folders are that are copied into /etc or read by Grafana: conf, graphite, grafana."""

from __future__ import annotations

import sysconfig
from pathlib import Path


def _folder() -> Path:
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / "setup.py").is_file():
        return checkout
    return Path(sysconfig.get_path("data"), "share", "hops")


SHIPPED = _folder()
