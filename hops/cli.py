"""`hops`, what an operator types."""

from __future__ import annotations

from typing import Any

import click

from hops import ending
from hops.audit import main as audit
from hops.backfill.command import main as backfill
from hops.check.command import main as check
from hops.demo import main as demo
from hops.doctor.command import main as doctor
from hops.init import main as init
from hops.judge.command import main as judge
from hops.notes import note, notes
from hops.options import HELP
from hops.reingest import main as reingest
from hops.report.command import main as report
from hops.retention.command import main as retention
from hops.sample import main as sample
from hops.sizing import main as sizing
from hops.status import main as status


class Hops(click.Group):
    """The command, as it is called where it is a process of its own."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        ending.run(lambda: self.main(*arguments, **options))


@click.group(cls=Hops, context_settings=HELP)
def main() -> None:
    """MRI Stability reports in Graphite."""


main.add_command(audit, "audit")
main.add_command(backfill, "backfill")
main.add_command(check, "check")
main.add_command(demo, "demo")
main.add_command(doctor, "doctor")
main.add_command(init, "init")
main.add_command(judge, "judge")
main.add_command(note)
main.add_command(notes)
main.add_command(reingest, "reingest")
main.add_command(report, "report")
main.add_command(retention, "retention")
main.add_command(sample, "sample")
main.add_command(sizing, "sizing")
main.add_command(status, "status")
