"""The pages as files: PDF, numbered PNGs, or one HTML file."""

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


def write(verdicts: Sequence[Verdict], source: str, path: Path) -> list[Path]:
    """Writes a page for each verdict to `path`, in the format of its suffix: .pdf, .png or .html.

    Several PNGs are numbered: report-1.png, report-2.png. Returns the files; raises OSError.
    """
    with drawing_style():
        pages = [draw(verdict, source) for verdict in verdicts]
        if path.suffix == ".pdf":
            files = {path: _pdf(pages, verdicts[0].data.location)}
        elif path.suffix == ".html":
            files = {path: _html(pages, verdicts)}
        else:
            names = [path] if len(pages) == 1 else _numbered(path, len(pages))
            files = dict(zip(names, map(_png, pages)))
    for name, content in files.items():
        name.write_bytes(content)
    return list(files)


def _numbered(path: Path, count: int) -> list[Path]:
    return [path.with_name(f"{path.stem}-{page}.png") for page in range(1, count + 1)]


def _pdf(pages: Sequence[Figure], location: str) -> bytes:
    buffer = BytesIO()
    metadata = {"Title": f"MRI stability of {location}", "CreationDate": None}
    with PdfPages(buffer, metadata=metadata) as document:
        for page in pages:
            document.savefig(page)
    return buffer.getvalue()


def _png(page: Figure) -> bytes:
    buffer = BytesIO()
    page.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def _html(pages: Sequence[Figure], verdicts: Sequence[Verdict]) -> bytes:
    sections = [
        SECTION.format(
            coil=html.escape(verdict.data.coil),
            headline=headline(verdict).lower(),
            sentences="\n".join(f"<li>{html.escape(each)}</li>" for each in sentences(verdict)),
            picture=base64.b64encode(_svg(page)).decode(),
        )
        for page, verdict in zip(pages, verdicts)
    ]
    title = html.escape(f"MRI stability of {verdicts[0].data.location}")
    return DOCUMENT.format(title=title, sections="\n".join(sections)).encode()


def _svg(page: Figure) -> bytes:
    buffer = BytesIO()
    page.savefig(buffer, format="svg", dpi=DOTS_PER_INCH, metadata={"Date": None})
    return buffer.getvalue()
