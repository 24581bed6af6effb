"""The distribution `mri-stability-diamondcollector`."""

from pathlib import Path

from setuptools import find_packages, setup

# What is copied into /etc, or read by Grafana; hops/shipped.py says where it is.
SHIPPED = ["conf", "graphite", "grafana/dashboards", "grafana/provisioning"]

GRAPHITE = [
    # Builds the three below, whose setup.py is of another age; on Python 3.12 and later it also
    # gives Django its distutils.
    "setuptools>=70.1,<81",
    "whisper==1.1.10",
    "carbon==1.1.10",
    "graphite-web==1.1.10",
    # They ask for no version of these: the newest that they were tried with.
    "pyparsing<4",
    "twisted<27",
    "urllib3<3",
    'legacy-cgi>=2.6; python_version >= "3.13"',
]

DOCS = ["mkdocs>=1.6,<2", "mkdocs-click>=0.8", "mkdocs-material>=9.6,<10"]


def shipped_files() -> list[tuple[str, list[str]]]:
    """Every file of `SHIPPED`, with the folder of the installation that it goes to."""
    files = [path for top in SHIPPED for path in sorted(Path(top).rglob("*")) if path.is_file()]
    return [(f"share/hops/{file.parent.as_posix()}", [str(file)]) for file in files]


setup(
    name="mri-stability-diamondcollector",
    version="0.1.0",
    description="MRI Stability phantom reports into Graphite, through the Diamond metrics daemon",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.9",
    py_modules=[path.stem for path in sorted(Path().glob("stability_*.py"))],
    packages=find_packages(include=["diamond3*", "hops*", "lab*", "sample_data"]),
    package_data={"hops.report": ["templates/*"]},
    data_files=shipped_files(),
    install_requires=[
        # diamond3 knows how to run exactly this one; it has been the newest since 2016.
        "diamond==4.0.515",
        "configobj>=5.0.6",
        "fissix>=24.4",
        "click>=8.1",
        "rich>=13",
        # Reads and checks retentions for `hops sizing`.
        "whisper>=1.1.10",
    ],
    extras_require={
        # The manual, as pages to read in a browser.
        "docs": DOCS,
        "graphite": GRAPHITE,
        # What `hops report` draws and writes with.
        "report": ["jinja2>=3.1", "matplotlib>=3.7"],
        "test": [
            *DOCS,
            "build>=1.2",
            "hypothesis>=6",
            "mypy>=1.11",
            "nox[uv]>=2024.4",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "PyYAML>=6",
            "ruff>=0.6",
            "types-PyYAML",
        ],
    },
    entry_points={
        "console_scripts": ["diamond3 = diamond3.cli:main", "hops = hops.cli:main"],
        "diamond.collectors": [
            "stability = stability_collector",
            "stability_control = hops.judge.collector",
        ],
    },
)
