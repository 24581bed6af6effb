"""The pages of `hops report`: everything is on the page, and always the same."""

import functools
import math
import re

import matplotlib
import pytest
from coils import DAY, NEWEST, coil, data, fleet

from hops.graphiteweb import Event
from hops.judge.rules import Limit
from hops.quantities import GHOST, QUANTITIES
from hops.report import cover, definitions
from hops.report.output import write
from hops.report.page import draw
from hops.report.paper import drawing_style
from hops.report.verdict import judge

SMALL = ["Data: servers.*.StabilityCollector.Example.Bay1 in the Graphite at http://127.0.0.1:8080."]
LONG = "/".join(["University Hospital", "Department of Radiology", "Prisma-Bay-17"] * 4)
NOTES = [
    Event(NEWEST - ago * DAY, f"visit {ago} " * 30, frozenset())
    for ago in (390, 300, 200, 100, 50, 10, 5)
]


def verdict(*arguments, **more):
    data = coil(*arguments, **more)
    return judge(data)


ALL_BAD = [(name, range(1, 65, 2), 0.5, 9) for name in ("SNR", "Signal", "Drift", "Ghost level")]
BAD = [("SNR", [1], 0.5, 3)]
COILS = {
    "sound": {},
    "one slice": {"slices": 1},
    "two slices": {"slices": 2},
    "three scans": {"scans": 3},
    "one scan": {"scans": 1, "slices": 1},
    "five years": {"scans": 1826, "slices": 2, "changes": BAD},
    "64 slices": {"scans": 60, "slices": 64, "changes": ALL_BAD},
    "strange names": {
        "location": r"A$B$/\frac{C}",
        "notes": [Event(NEWEST - 20 * DAY, r"$\alpha_$ {} %s 線圈 <b>", frozenset())],
    },
    "long names": {"location": LONG, "notes": NOTES},
    "no scan for long": {"until": NEWEST + 149 * DAY, "changes": BAD, "scans": 60},
    "no scan": {"days": 0, "until": NEWEST + 149 * DAY},
}
FLEETS = {
    "four coils": [{}, {"name": "64"}, {"location": "Münster/Köln/Bär ß"}, {"scans": 3}],
    "forty coils": [
        {"location": LONG, "name": f"{n}", "slices": 1, "changes": BAD, "scans": 30}
        for n in range(40)
    ],
    "sixty coils": [{"name": f"{n}", "slices": 1, "scans": 5} for n in range(60)],
}


@functools.cache
def page_of(name):
    """Drawn once, as that takes long."""
    with drawing_style():
        if name == "definitions":
            return definitions.draw()
        if name in FLEETS:
            *_, last = cover.draw(fleet(*(verdict(**each) for each in FLEETS[name])))
            return last
        return draw(verdict(**COILS[name]), SMALL)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The content of a report about a sound coil, by the suffix of its file."""
    folder = tmp_path_factory.mktemp("written")

    @functools.cache
    def content(suffix):
        return content_of(folder / f"report{suffix}")

    return content


def content_of(path):
    """What is in the file once a report about a sound coil was written into it."""
    write(fleet(verdict()), path)
    return path.read_bytes()


@pytest.mark.parametrize("name", [*COILS, *FLEETS, "definitions"])
def test_nothing_is_beyond_the_page(name):
    page = page_of(name)
    with drawing_style():
        place = page.get_tightbbox()
    width, height = page.get_size_inches()
    assert place.x0 >= 0
    assert place.y0 >= 0
    assert place.x1 <= width
    assert place.y1 <= height


@pytest.mark.parametrize("name", [*COILS, *FLEETS, "definitions"])
def test_no_line_is_written_over_another_or_runs_into_it(name):
    page = page_of(name)
    with drawing_style():
        places = [text.get_window_extent() for text in page.texts if text.get_text()]
    for index, one in enumerate(places):
        for other in places[index + 1 :]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            down = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert across <= -0.5 or down <= 1.5


def test_the_first_page_tells_of_each_bad_coil_where_there_is_no_room_for_all_its_words():
    bad = [{"name": f"{n}", "slices": 1, "changes": BAD, "scans": 60} for n in range(4)]
    sound = [{"name": f"{n}", "slices": 1, "scans": 5} for n in range(4, 42)]
    [page] = cover.draw(fleet(*(verdict(**each) for each in bad + sound)))
    words = [text.get_text() for text in page.texts]
    assert sum(", coil " in each and "Out of control: " in each for each in words) == len(bad)


def axes_named(page, title):
    [axes] = [each for each in page.axes if each.get_title(loc="left").startswith(title)]
    return axes


def test_axes_begin_at_zero_or_say_that_they_do_not():
    page = page_of("sound")
    for name in ("Drift", "Fluctuation", "Ghost level"):
        assert axes_named(page, f"{name}:").get_ylim()[0] == 0
    for name in ("SNR", "Signal"):
        axes = axes_named(page, f"{name}:")
        assert axes.get_title(loc="left").endswith("the axis does not begin at 0")
        low, high = axes.get_ylim()
        assert (high - low) / (high + low) == pytest.approx(0.1)


def test_the_limits_of_each_scan_and_the_sites_own_are_drawn():
    values = coil(scans=40, slices=1).values
    found = judge(data(values, limits={GHOST: Limit(3, 1)}.items()))
    with drawing_style():
        axes = axes_named(draw(found, SMALL), "Ghost level:")
    assert "site's limit 3.000: dash-dotted" in axes.get_title(loc="left")
    drawn = [list(line.get_ydata()) for line in axes.lines]
    scans = found.means[GHOST].scans
    for name in ("centre", "lower", "upper", "limit"):
        line = [getattr(scan, name) for scan in scans]
        assert any(
            [None if math.isnan(value) else value for value in each] == line for each in drawn
        )
    assert scans[-1].limit == 3
    assert any(
        [value for value in each if not math.isnan(value)]
        == [scan.value for scan in found.averages[GHOST].scans if scan.centre is not None]
        for each in drawn
    )
    assert [scan.centre is None for scan in scans] == [True] * 20 + [False] * 20


@pytest.mark.parametrize("scans", [1, 2, 30, 400])
def test_no_day_is_written_twice_below_the_charts(scans):
    page = draw(verdict(scans=scans, slices=1), SMALL)
    labels = [label.get_text() for label in page.axes[-1].get_xticklabels()]
    assert len(set(labels)) == len(labels) > 2


def test_there_is_no_map_of_a_single_slice():
    assert len(page_of("one slice").axes) == len(QUANTITIES)
    assert len(page_of("two slices").axes) == len(QUANTITIES) + 1


def test_the_users_own_style_changes_nothing(written, tmp_path):
    plain = written(".png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        assert content_of(tmp_path / "styled.png") == plain


@pytest.mark.parametrize("suffix", [".pdf", ".png"])
def test_the_same_data_give_the_same_file(suffix, written, tmp_path):
    assert content_of(tmp_path / f"other{suffix}") == written(suffix)


def test_a_pdf_compares_the_coils_has_a_page_for_each_and_says_what_is_measured(tmp_path):
    path = tmp_path / "report.pdf"
    write(fleet(verdict(), verdict(name="64")), path)
    assert len(re.findall(rb"/Type /Page\b", path.read_bytes())) == 4


def test_a_png_is_a_picture(written):
    assert written(".png").startswith(b"\x89PNG")
