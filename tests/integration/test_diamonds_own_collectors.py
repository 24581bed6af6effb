"""Diamond's own collectors beside ours: all that the published Diamond ships, in a real daemon."""

import pytest
from receivers import Receiver, Site, wait_until

from diamond3.installed import find_diamond

pytestmark = pytest.mark.integration

SWITCHED_ON = "\n".join(
    f"[[{name}Collector]]\nenabled = True"
    for name in ("Sample", "LoadAverage", "Memory", "Http", "Mesos")
)


def test_those_that_are_switched_on_deliver_and_one_without_its_server_says_so(tmp_path):
    with Receiver() as receiver, Site(tmp_path) as site:
        site.configure(
            ["diamond.handler.graphite.GraphiteHandler"],
            f"[[GraphiteHandler]]\nhost = 127.0.0.1\nport = {receiver.port}",
            f"{SWITCHED_ON}\nport = 1",
        )
        text = site.configfile.read_text()
        ours = f"collectors_path = {tmp_path}/collectors"
        assert ours in text
        site.configfile.write_text(text.replace(ours, f"{ours}, {find_diamond().collectors}"))
        site.start("-f", "--skip-pidfile")

        def parts():
            return {path.split(".")[2] for path, _ in receiver.lines()}

        wait_until(lambda: {"SampleCollector", "loadavg", "memory"} <= parts(), "they deliver")
        wait_until(lambda: "MesosCollector failed in line" in site.log, "Mesos is missed")
        assert "Connection refused" in site.log
        assert "Unable to open" in site.log  # says HttpCollector, of a server on port 80
        assert "cannot be loaded" not in site.log
        assert "Failed to import" not in site.log
