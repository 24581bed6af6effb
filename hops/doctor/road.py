"""All checks, in the order of the road."""

from __future__ import annotations

from collections.abc import Iterator

import stability_report
from hops.doctor import (
    carbon,
    configuration,
    diamond,
    folders,
    graphite,
    probe,
    reports,
    retention,
    systemd,
)
from hops.doctor.finding import Finding
from hops.site import Site


def examine(site: Site, may_probe: bool) -> Iterator[Finding]:
    """What is found from the scanners' folders to Graphite, by a probe too if it may be sent."""
    yield from configuration.check(site)
    yield from systemd.check(site)
    of_folders, seen = folders.check(site)
    yield from of_folders
    yield from reports.check_time(site, seen)
    yield from reports.check_coils(site, seen)
    yield from diamond.check(site)
    handlers, findings = diamond.handlers(site)
    yield from findings
    sizes = [len(list(stability_report.points(one.report))) for one in seen]
    yield from diamond.check_sizes(site, handlers, max([diamond.BATCH, *sizes]))
    whisper = carbon.whisper_folder(handlers)
    if whisper:
        yield carbon.check(whisper)
    web, finding = graphite.graphite_of(site)
    yield finding
    if web is None:
        yield from probe.not_done("needs a graphite_url that answers")
        return
    yield from graphite.check(web)
    yield from retention.check(site, web, whisper)
    connected = [handler for handler in handlers if handler.socket is not None]
    if not connected or not site.settings.scanners:
        yield from probe.not_done("needs a scanner, and a handler that reaches carbon")
    elif may_probe:
        yield from probe.check(site, web, connected)
    else:
        yield probe.not_asked_for()
