"""The distribution `mri-stability-diamondcollector`."""

from pathlib import Path

from setuptools import setup

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

setup(
    name="mri-stability-diamondcollector",
    version="0.1.0",
    description="MRI Stability phantom reports into Graphite, through the Diamond metrics daemon",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.9",
    py_modules=["stability_collector", "stability_graphite", "stability_report"],
    packages=["diamond3", "hops", "hops.graphite", "hops.report", "sample_data"],
    install_requires=[
        # diamond3 knows how to run exactly this one; it has been the newest since 2016.
        "diamond==4.0.515",
        "configobj>=5.0.6",
        "fissix>=24.4",
        "click>=8.1",
        "rich>=13",
    ],
    extras_require={
        # Only to build grafana/ anew: its files are there ready-made.
        "dashboards": ["PyYAML>=6"],
        "graphite": GRAPHITE,
        # What `hops report` draws with.
        "report": ["matplotlib>=3.7"],
        "test": [
            "hypothesis>=6",
            "mypy>=1.11",
            "pytest>=8",
            "PyYAML>=6",
            "ruff>=0.6",
            "types-PyYAML",
            "whisper>=1.1.10",
        ],
    },
    entry_points={
        "console_scripts": ["diamond3 = diamond3.cli:main", "hops = hops.cli:main"],
        "diamond.collectors": ["stability = stability_collector"],
    },
)
