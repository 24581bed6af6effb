"""Diamond with the Stability collector, configured and run in a folder of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HOSTNAME = "demo"

# What every metric path begins with.
PREFIX = f"servers.{HOSTNAME}.StabilityCollector"

DIAMOND_CONF = """\
[server]
handlers = diamond.handler.graphite.GraphiteHandler
# The collector is installed as an entry point; the folder has nothing in it.
collectors_path = {folder}/collectors
user =
group =
pid_file = {folder}/diamond.pid
# No bound, for a backlog of years of reports.
metric_queue_size = 0

[handlers]
keys = file
[[default]]
[[GraphiteHandler]]
host = 127.0.0.1
port = {port}
batch = 448

[collectors]
[[default]]
hostname = {hostname}
[[StabilityCollector]]
enabled = True
{settings}
[[[scanners]]]
{scanners}
[[[coils]]]
{coils}
[[StabilityControlCollector]]
enabled = {judges}
interval = {judge_seconds}

[loggers]
keys = root
[logger_root]
level = INFO
handlers = file
[handler_file]
class = FileHandler
level = INFO
formatter = default
args = ({log!r},)
[formatters]
keys = default
[formatter_default]
format = %(asctime)s %(levelname)s %(message)s
"""


class DiamondSite:
    """A Diamond for some scanners' folders, sending to a carbon on this machine.

    Attributes: `conf` (its configuration file) and `log` (its log file).
    """

    def __init__(
        self,
        folder: Path,
        scanners: Mapping[str, Path],
        coils: Mapping[int, str],
        carbon_port: int,
        judge_seconds: int = 0,
        **settings: object,
    ) -> None:
        """Writes the configuration into `folder`, which is made if need be.

        `scanners`: location to folder; `coils`: receive channels to name; `carbon_port`: TCP port
        of the line protocol; `judge_seconds`: between two runs of the judge, if it is to run at
        all; `settings`: further keys of StabilityCollector.conf.
        """
        (folder / "collectors").mkdir(parents=True, exist_ok=True)
        self.conf = folder / "diamond.conf"
        self.log = folder / "diamond.log"
        self.conf.write_text(
            DIAMOND_CONF.format(
                folder=folder,
                port=carbon_port,
                hostname=HOSTNAME,
                settings=_lines(settings),
                scanners=_lines(scanners),
                coils=_lines(coils),
                judges=judge_seconds > 0,
                judge_seconds=judge_seconds or 300,
                log=str(self.log),
            ),
            encoding="utf-8",
        )

    def run_once(self) -> subprocess.Popen[bytes]:
        """Starts one run of the collector; the process ends with 0 when all went well."""
        return self._diamond("--run", "StabilityCollector")

    def start_daemon(self) -> subprocess.Popen[bytes]:
        """Starts Diamond in the foreground of a process that polls until it is terminated."""
        return self._diamond("--foreground", "--skip-pidfile")

    def _diamond(self, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "diamond3", "--configfile", str(self.conf), *options]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)


def _lines(settings: Mapping[str, object] | Mapping[int, str]) -> str:
    return "\n".join(f'{key} = "{value}"' for key, value in settings.items())
