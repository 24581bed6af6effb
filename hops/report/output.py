"""The pages as a file: PDF, HTML, or PNG of one."""

from __future__ import annotations

import base64
import html
from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages

from hops.report import cover
from hops.report.fleet import Fleet
from hops.report.page import draw
from hops.report.paper import drawing_style
from hops.report.verdict import Verdict
from hops.report.words import headline, sentences

DOTS_PER_INCH = 120

DOCUMENT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; margin: 1em; color: #1a1a1a; }}
main {{ display: flex; flex-wrap: wrap; gap: 1em; }}
section {{ flex: 1 1 30em; max-width: 60em; }}
h1, h2 {{ overflow-wrap: anywhere; }}
img {{ width: 100%; border: 1px solid #ccc; }}
</style>
</head>
<body>
<h1>{title}</h1>
<main>
{sections}
</main>
</body>
</html>
"""

SECTION = """\
<section>
<h2>{location}, coil {coil}</h2>
<p><b>{headline}</b></p>
<ul>
{sentences}
</ul>
<img alt="Control charts of coil {coil}" src="data:image/svg+xml;base64,{picture}">
</section>"""


def write(fleet: Fleet, path: Path) -> None:
    """Writes the pages of the coils to `path`, in the format of its suffix: .pdf, where the first
    page compares them, .html, or .png of the first coil. Raises OSError."""
    with drawing_style():
        if path.suffix == ".pdf":
            content = _pdf(fleet)
        elif path.suffix == ".html":
            content = _html(fleet)
        else:
            content = _picture(fleet, fleet.verdicts[0], "png", {"Software": None})
    path.write_bytes(content)


def _pdf(fleet: Fleet) -> bytes:
    buffer = BytesIO()
    metadata = {"Title": f"MRI stability of {fleet.sites}", "CreationDate": None}
    with PdfPages(buffer, metadata=metadata) as document:
        for page in cover.draw(fleet) if len(fleet.verdicts) > 1 else ():
            document.savefig(page)
        for verdict in fleet.verdicts:
            document.savefig(draw(verdict, fleet.small_print))
    return buffer.getvalue()


def _html(fleet: Fleet) -> bytes:
    sections = [
        SECTION.format(
            location=html.escape(verdict.data.location),
            coil=html.escape(verdict.data.coil),
            headline=headline(verdict),
            sentences="\n".join(f"<li>{html.escape(each)}</li>" for each in sentences(verdict)),
            picture=base64.b64encode(_picture(fleet, verdict, "svg", {"Date": None})).decode(),
        )
        for verdict in fleet.verdicts
    ]
    title = html.escape(f"MRI stability of {fleet.sites}")
    return DOCUMENT.format(title=title, sections="\n".join(sections)).encode()


def _picture(fleet: Fleet, verdict: Verdict, form: str, metadata: dict[str, str | None]) -> bytes:
    buffer = BytesIO()
    page = draw(verdict, fleet.small_print)
    page.savefig(buffer, format=form, dpi=DOTS_PER_INCH, metadata=metadata)
    return buffer.getvalue()
