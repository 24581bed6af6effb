"""The configuration files of the embedded Graphite: it loses nothing and disturbs nobody."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from hops.shipped import SHIPPED
from lab.ports import LOOPBACK, Ports

# A value of any hour in 25 years, never averaged away. Files are sparse: only the blocks with a
# report in them take space.
STORAGE_SCHEMAS = """\
[stability]
pattern = .*
retentions = 1h:25y
"""

STORAGE_AGGREGATION = (SHIPPED / "graphite" / "storage-aggregation.conf").read_text("utf-8")


def write_configuration(
    folder: Path, ports: Ports, carbon_settings: Mapping[str, str], storage_schemas: str
) -> None:
    """Writes all files to `folder`/conf and makes the folders that they name."""
    for name in ("conf", "whisper", "log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    files = {
        "carbon.conf": _carbon(folder, ports, carbon_settings),
        "storage-schemas.conf": storage_schemas,
        "storage-aggregation.conf": STORAGE_AGGREGATION,
        "local_settings.py": _web(folder, ports),
    }
    for name, text in files.items():
        (folder / "conf" / name).write_text(text, encoding="utf-8")


def _carbon(folder: Path, ports: Ports, own: Mapping[str, str]) -> str:
    settings = {
        "STORAGE_DIR": str(folder),
        "LOCAL_DATA_DIR": str(folder / "whisper"),
        "LOG_DIR": str(folder / "log"),
        "PID_DIR": str(folder / "conf"),
        "LINE_RECEIVER_INTERFACE": LOOPBACK,
        "LINE_RECEIVER_PORT": str(ports.line),
        "PICKLE_RECEIVER_INTERFACE": LOOPBACK,
        "PICKLE_RECEIVER_PORT": str(ports.pickle),
        "CACHE_QUERY_INTERFACE": LOOPBACK,
        "CACHE_QUERY_PORT": str(ports.query),
        # Every point is taken, and every series is made at once.
        "MAX_CACHE_SIZE": "inf",
        "MAX_UPDATES_PER_SECOND": "inf",
        "MAX_CREATES_PER_MINUTE": "inf",
        "WHISPER_SPARSE_CREATE": "True",
        # No series but those that were sent, and no calls to the web application about tags.
        "CARBON_METRIC_INTERVAL": "0",
        "ENABLE_TAGS": "False",
        # A log for people: not a line for every point.
        "LOG_UPDATES": "False",
        "LOG_CACHE_HITS": "False",
        "LOG_CACHE_QUEUE_SORTS": "False",
        **own,
    }
    # Carbon's parser takes a lone % for a reference.
    lines = [f"{name} = {text.replace('%', '%%')}\n" for name, text in settings.items()]
    return "[cache]\n" + "".join(lines)


def _web(folder: Path, ports: Ports) -> str:
    settings = {
        "GRAPHITE_ROOT": str(folder),
        "CONF_DIR": str(folder / "conf"),
        "STORAGE_DIR": str(folder),
        "WHISPER_DIR": str(folder / "whisper"),
        "LOG_DIR": str(folder / "log"),
        "SECRET_KEY": secrets.token_hex(),
        "ALLOWED_HOSTS": ["*"],
        "TIME_ZONE": "UTC",
        "CARBONLINK_HOSTS": [f"{LOOPBACK}:{ports.query}"],
        # A busy machine is slow, not broken; and a carbon that comes back is asked again soon.
        "CARBONLINK_TIMEOUT": 30,
        "CARBONLINK_RETRY_DELAY": 1,
        "FIND_TIMEOUT": 300,
        "FETCH_TIMEOUT": 300,
        "LOG_INFO_PERFORMANCE": False,
        # Threads that read whisper files wait for each other.
        "USE_WORKER_POOL": False,
    }
    return "".join(f"{name} = {value!r}\n" for name, value in settings.items())
