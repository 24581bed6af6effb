"""The pages as a file: PDF, HTML, or PNG of one."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from hops.report.page import draw, drawing_style
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
<h2>Coil {coil}: {headline}</h2>
<ul>
{sentences}
</ul>
<img alt="Control charts of coil {coil}" src="data:image/svg+xml;base64,{picture}">
</section>"""


def write(verdicts: Sequence[Verdict], source: str, path: Path) -> None:
    """Writes a page for each verdict to `path`, in the format of its suffix: .pdf, .html, or .png
    of the first. Raises OSError."""
    with drawing_style():
        pages = [draw(verdict, source) for verdict in verdicts]
        if path.suffix == ".pdf":
            content = _pdf(pages, verdicts[0].data.location)
        elif path.suffix == ".html":
            content = _html(pages, verdicts)
        else:
            content = _picture(pages[0], "png", {"Software": None})
    path.write_bytes(content)


def _pdf(pages: Sequence[Figure], location: str) -> bytes:
    buffer = BytesIO()
    metadata = {"Title": f"MRI stability of {location}", "CreationDate": None}
    with PdfPages(buffer, metadata=metadata) as document:
        for page in pages:
            document.savefig(page)
    return buffer.getvalue()


def _html(pages: Sequence[Figure], verdicts: Sequence[Verdict]) -> bytes:
    sections = [
        SECTION.format(
            coil=html.escape(verdict.data.coil),
            headline=headline(verdict).lower(),
            sentences="\n".join(f"<li>{html.escape(each)}</li>" for each in sentences(verdict)),
            picture=base64.b64encode(_picture(page, "svg", {"Date": None})).decode(),
        )
        for page, verdict in zip(pages, verdicts)
    ]
    title = html.escape(f"MRI stability of {verdicts[0].data.location}")
    return DOCUMENT.format(title=title, sections="\n".join(sections)).encode()


def _picture(page: Figure, form: str, metadata: dict[str, str | None]) -> bytes:
    buffer = BytesIO()
    page.savefig(buffer, format=form, dpi=DOTS_PER_INCH, metadata=metadata)
    return buffer.getvalue()
