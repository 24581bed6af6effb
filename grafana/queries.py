"""Graphite queries: what is asked of the render API, as text.

All that is judged is stored, so they are paths, and no other functions than these, which mean the
same on every store that speaks Graphite's language.
"""

from __future__ import annotations

from collections.abc import Iterable

from hops.quantities import Quantity


def control(coil: str, quantity: Quantity, name: str) -> str:
    """The stored series called `name` of a coil's control chart."""
    return f"{coil}.{quantity.column}.{name}"


def reports(coil: str, column: str, slices: str) -> str:
    """The series of `slices` in the reports of a coil."""
    return f"{coil}.{column}.{slices}"


def lines(coil: str, quantity: Quantity, names: Iterable[str]) -> str:
    """Series of a control chart, called by their names.

    A limit or a mark that was taken back is -1, since Graphite forgets no point; no quantity is.
    """
    series = control(coil, quantity, f"{{{','.join(names)}}}")
    return _called_by_last_node(f"removeBelowValue({series},0)")


def by_slice(series: str) -> str:
    """A series for each slice, called by its number, in the order of the slices."""
    return _called_by_last_node(f"sortByName({newest(series)},true)")


def mean(series: str, name: str) -> str:
    """The mean of the slices at the times of the scans."""
    return named(f"averageSeries({series})", name)


def newest(series: str) -> str:
    """The newest value counts where there are more than there is room for."""
    return f"consolidateBy({series},'last')"


def greatest(series: str) -> str:
    """The greatest value counts where there are more than there is room for."""
    return f"consolidateBy({series},'max')"


def kept(series: str, slots: int) -> str:
    """A value stands for the `slots` after it that have none, but for no longer silence."""
    return f"keepLastValue({series},{slots})"


def named(series: str, name: str) -> str:
    return f"alias({series},'{name}')"


def renamed(series: str, pattern: str, name: str) -> str:
    r"""`name` may have what the `pattern` found: \1. No dollar sign, which is Grafana's."""
    return f"aliasSub({series},'{pattern}','{name}')"


def _called_by_last_node(series: str) -> str:
    """What functions have made of paths, called by the last node of these.

    aliasByNode has Graphite parse the name of each series, which takes it as long as reading them.
    """
    return renamed(series, r".*\.([^.,]+),.*", r"\1")
