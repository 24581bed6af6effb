"""`hops`, what an operator types."""

from __future__ import annotations

from typing import Any

import click

from diamond3.installed import our_version
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

GROUPS = {
    "Set up": {"sizing": sizing, "init": init, "backfill": backfill, "judge": judge},
    "Look": {
        "doctor": doctor,
        "status": status,
        "audit": audit,
        "check": check,
        "report": report,
        "notes": notes,
    },
    "Repair": {"note": note, "reingest": reingest, "retention": retention},
    "Try out": {"demo": demo, "sample": sample},
}


class Hops(click.Group):
    """The command, as it is called where it is a process of its own."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        ending.run(lambda: self.main(*arguments, **options))

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands by what they are for, each with its first sentence."""
        width = max(map(len, self.commands))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                lines = [
                    (name.ljust(width), command.get_short_help_str(formatter.width))
                    for name, command in commands.items()
                ]
                formatter.write_dl(lines)


@click.group(cls=Hops, context_settings=HELP)
@click.version_option(our_version(), message="%(prog)s %(version)s")
def main() -> None:
    """MRI Stability reports in Graphite."""


for commands in GROUPS.values():
    for name, command in commands.items():
        main.add_command(command, name)
