"""Where the metrics of a report would go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import stability_report
from hops import paths
from hops.site import Site

UNKNOWN_LOCATION = "<location>"


@dataclass(frozen=True)
class Naming:
    """Metric paths, coils and times as the site has them, where there is one."""

    site: Site | None
    location: str | None

    @property
    def timezone(self) -> str:
        """Of the scanners' clocks; "" for this machine's."""
        return str(self.site.settings.timezone) if self.site else ""

    def location_of(self, file: Path) -> str | None:
        """The location that was asked for, or that of the scanner whose folder the file is in."""
        if self.location:
            return self.location
        folder = file.parent.resolve()
        # A scanner's folder may be in that of another: the innermost counts.
        inside_out = (folder, *folder.parents)
        return next((self._scanners[each] for each in inside_out if each in self._scanners), None)

    @cached_property
    def _scanners(self) -> dict[Path, str]:
        """The locations of the scanners by their folders."""
        scanners = self.site.settings.scanners if self.site else ()
        return {Path(scanner.folder).resolve(): scanner.location for scanner in scanners}

    def coil(self, channels: int) -> str | None:
        """The coil of so many receive channels; None when the site does not know it."""
        return self.site.settings.coils.get(channels) if self.site else str(channels)

    def epoch(self, report: Any) -> int:
        """When the scan was made."""
        return int(stability_report.timestamp(report.time, self.timezone))

    def paths(self, file: Path, report: Any) -> list[str]:
        """The metric paths of the report in the file, in its order."""
        location = self.location_of(file)
        if self.site and location and report.channels in self.site.settings.coils:
            scanner = self.site.scanner(location)
            metrics = self.site.collector.metrics(scanner, report, self.epoch(report))
            return [metric.path for metric in metrics]
        path = stability_report.location_path(location) if location else UNKNOWN_LOCATION
        scanner_path = f"{self.site.prefix}.{path}" if self.site else path
        coil = self.coil(report.channels) or str(report.channels)
        return [
            str(paths.Series(scanner_path, coil, point.section, point.column, str(point.slice)))
            for point in stability_report.points(report)
        ]
