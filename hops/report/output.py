"""The pages as a file: PDF, or PNG of one."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages

from hops.report import cover, definitions
from hops.report.fleet import Fleet
from hops.report.page import draw
from hops.report.paper import drawing_style

DOTS_PER_INCH = 120


def write(fleet: Fleet, path: Path) -> None:
    """Writes the pages of the coils to `path`, in the format of its suffix: .pdf, where the first
    page compares them and the last says what is measured, or .png of the first coil. Raises
    OSError."""
    with drawing_style():
        content = _pdf(fleet) if path.suffix == ".pdf" else _picture(fleet)
    path.write_bytes(content)


def _pdf(fleet: Fleet) -> bytes:
    buffer = BytesIO()
    metadata = {"Title": f"MRI stability of {fleet.sites}", "CreationDate": None}
    with PdfPages(buffer, metadata=metadata) as document:
        for page in cover.draw(fleet) if len(fleet.verdicts) > 1 else ():
            document.savefig(page)
        for verdict in fleet.verdicts:
            document.savefig(draw(verdict, fleet.small_print))
        document.savefig(definitions.draw())
    return buffer.getvalue()


def _picture(fleet: Fleet) -> bytes:
    buffer = BytesIO()
    page = draw(fleet.verdicts[0], fleet.small_print)
    page.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
