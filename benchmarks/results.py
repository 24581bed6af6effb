"""One table of what was measured, each beside its floor."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rich.table import Table


@dataclass(frozen=True)
class Result:
    """One row: `value` in `unit`, and what it is measured against (None where nothing is)."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    against: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "ratio": self.ratio}


def table_of(results: list[Result]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("measured")
    for title in ("value", "unit", "floor", "ratio"):
        table.add_column(title, justify="right" if title != "unit" else "left")
    table.add_column("the floor is")
    for each in results:
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        table.add_row(
            each.name, _number(each.value), each.unit, _number(each.floor), ratio, each.against
        )
    return table


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
