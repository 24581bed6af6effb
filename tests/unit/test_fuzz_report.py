"""Whatever is in a file, the parser answers with a Report or a ReportError, and no wrong number.

With LONG=1 100,000 inputs are tried, otherwise 1,000; they are the same every time.
"""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Optional

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import stability_report
from stability_report import Report, ReportError, parse, parse_bytes

NAME = "Stability_20180910T090910.txt"
NO_NUMBERS = ["nan", "-nan", "NaN", "inf", "-Inf", "nan(ind)", "-1.#IND", "1.#QNAN", "1.#INF000"]
# Percent of the inputs.
SHARES = {"text": 17, "bytes": 18, "almost": 25, "mutated": 18, "cut": 8, "good": 14}
assert sum(SHARES.values()) == 100


def tried(share: str):
    count = SHARES[share] * (1000 if os.environ.get("LONG") else 10)
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# -- good reports, made from their grammar ---------------------------------------------------

# From few choices each, as a report has many cells.
NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.integers(-(10**12), 10**12).map(lambda number: f"{number / 1000:+.3f}"),
    st.integers(-(10**12), 10**12).map(lambda number: f"{number / 10**6:.6f}"),
)
CELLS = st.one_of(NUMBERS, st.sampled_from(NO_NUMBERS))
# With the same number of decimals all down a column: this shows where a number was cut.
AS_SCANNERS_DO = st.integers(-(10**9), 10**9).map(lambda number: f"{number / 1000:+.3f}")
WORDS = st.sampled_from(["SI", "SIfit", "SNR", "ghost", "fit", "mean", "sd", "P2P", "x_1", "Z"])
COLUMNS = st.one_of(WORDS, WORDS.map("{}[%]".format), st.integers(0, 9).map("p[{}]".format))
SECTION_NAMES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


@st.composite
def grammatical(draw, at_least=1, cells_of=CELLS):
    """A good report: its text, and from (section, column, slice) to the cell as written.

    It has `at_least` so many slices, and cells from `cells_of`.
    """
    slices, channels = draw(st.integers(at_least, 4)), draw(st.integers(1, 128))
    gap, end = draw(st.sampled_from(["\t", "  ", " \t "])), draw(st.sampled_from(["\n", "\r\n"]))
    blank = draw(st.sampled_from(["", " ", "\t"]))
    lines = [f"Stability configuration: {slices} slices, 500 measurements, {channels} channels"]
    cells = {}
    names = draw(
        st.lists(SECTION_NAMES, min_size=1, max_size=3, unique_by=stability_report.metric_name)
    )
    for name in names:
        columns = draw(
            st.lists(COLUMNS, min_size=1, max_size=4, unique_by=stability_report.column_name)
        )
        lines += [blank, f"Stability {name} results:", blank, gap.join(["slice#", *columns])]
        for number in range(1, slices + 1):
            row = draw(st.lists(cells_of, min_size=len(columns), max_size=len(columns)))
            cells.update({(name, column, number): cell for column, cell in zip(columns, row)})
            lines.append(gap.join([f"{number:2d}", *row]) + blank)
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return mark + end.join([*lines, draw(st.sampled_from(["", blank + end]))]) + end, cells


Value = tuple[Optional[float], int]


def values(report: Report) -> dict[tuple[str, str, int], Value]:
    return {
        (section.name, column, number): value
        for section in report.sections
        for number, row in enumerate(zip(section.rows, section.decimals), 1)
        for column, value in zip(section.columns, zip(*row))
    }


def written(value: Value) -> str | None:
    """The number as it is sent to Graphite."""
    number, decimals = value
    return None if number is None else f"{number:.{decimals}f}"


@tried("good")
@given(grammatical())
def test_every_value_of_a_good_report_is_sent_as_it_is_written(made):
    text, cells = made
    report = parse_bytes(text.encode("utf-8"), NAME)
    assert {place: written(value) for place, value in values(report).items()} == {
        place: None if cell in NO_NUMBERS else cell.lstrip("+") for place, cell in cells.items()
    }
    assert report.without_number == sum(cell in NO_NUMBERS for cell in cells.values())


@tried("cut")
@given(grammatical(at_least=2, cells_of=AS_SCANNERS_DO), st.data())
def test_a_good_report_cut_anywhere_never_gives_another_number(made, data):
    text, cells = made
    end = data.draw(st.integers(0, len(text)))
    try:
        report = parse(text[:end], NAME)
    except ReportError:
        return
    for place, value in values(report).items():
        assert written(value) == cells[place].lstrip("+")


# -- anything --------------------------------------------------------------------------------


def check(parser, content) -> None:
    """`parser` gives a Report all of whose numbers can be sent, or a printable ReportError."""
    report = error = None
    try:
        report = parser(content, NAME)
    except ReportError as caught:
        error = caught
    if report is None:
        assert str(error).isprintable()
        assert str(error).isascii()
        assert len(str(error)) < 1000
        return
    places = set()
    for point in stability_report.points(report):
        path = f"{point.section}.{point.column}.{point.slice}"
        assert not set(path) - set(
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-."
        )
        assert path.count(".") == 2
        assert path not in places
        places.add(path)
        assert float(f"{point.number:.{point.decimals}f}") == point.number
    cells = {cell for line in as_text(content).split("\n") for cell in line.split()}
    for value in values(report).values():
        if value[0] is not None:
            assert any(_is_number(cell, value) for cell in cells)


def as_text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode("utf-8")


def _is_number(cell: str, value: Value) -> bool:
    try:
        return Decimal(cell) == Decimal(written(value))
    except ArithmeticError:
        return False


@tried("text")
@given(st.text())
@example("")
@example("\ufeff")
def test_any_text_is_a_report_or_an_error(text):
    check(parse, text)


@tried("bytes")
@given(st.binary())
def test_any_bytes_are_a_report_or_an_error(data):
    check(parse_bytes, data)


PIECES = st.one_of(
    st.sampled_from(
        [
            "Stability",
            "configuration:",
            "results:",
            "slices,",
            "measurements,",
            "channels",
            "slice#",
            "SNR",
            "mean",
            "sd[%]",
            "1",
            "2",
            "\n",
            "\n",
            "\t",
            " ",
            "1.15",
            "1e5",
            "1e999",
            "0e-999",
            "-0",
            "nan",
            "\r",
            "\x00",
            "\x85",
            "\u2028",
            "\u0661",
            "\ufeff",
            "Stability configuration: 1 slices, 1 measurements, 32 channels\n",
            "Stability SNR results:\nslice# a b\n1 ",
        ]
    ),
    st.text(max_size=3),
)


@tried("almost")
@given(st.lists(PIECES, max_size=30))
def test_pieces_of_reports_in_any_order_are_a_report_or_an_error(pieces):
    check(parse, " ".join(pieces))
    check(parse, "".join(pieces))


# -- good reports with something wrong in them -----------------------------------------------


def _positions(draw, items):
    return draw(st.integers(0, max(0, len(items) - 1)))


def _delete(draw, items):
    position = _positions(draw, items)
    return items[:position] + items[position + 1 :]


def _duplicate(draw, items):
    position = _positions(draw, items)
    return items[: position + 1] + items[position:]


def _swap(draw, items):
    a, b = _positions(draw, items), _positions(draw, items)
    swapped = list(items)
    if swapped:
        swapped[a], swapped[b] = swapped[b], swapped[a]
    return swapped


def _of_lines(change):
    return lambda draw, text: "\n".join(change(draw, text.split("\n")))


def _of_cells(change):
    def in_a_line(draw, lines):
        position = _positions(draw, lines)
        lines[position] = "\t".join(change(draw, lines[position].split()))
        return lines

    return _of_lines(in_a_line)


def _truncate(draw, text):
    return text[: draw(st.integers(0, len(text)))]


def _insert(draw, text):
    position = draw(st.integers(0, len(text)))
    return text[:position] + draw(st.text(min_size=1, max_size=3)) + text[position:]


def _change_digit(draw, text):
    positions = [i for i, character in enumerate(text) if character.isdigit()]
    if not positions:
        return text
    position = draw(st.sampled_from(positions))
    return text[:position] + draw(st.sampled_from("0123456789.eE+-#x")) + text[position + 1 :]


MUTATIONS = [
    _truncate,
    _insert,
    _change_digit,
    *(of(change) for of in (_of_lines, _of_cells) for change in (_delete, _duplicate, _swap)),
]


@tried("mutated")
@given(grammatical(), st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3), st.data())
def test_a_good_report_that_was_spoilt_is_a_report_or_an_error(made, mutations, data):
    text, _ = made
    for mutate in mutations:
        text = mutate(data.draw, text)
    check(parse, text)
