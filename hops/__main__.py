"""The `hops` command, or what to install for it: a plain install brings the collector alone."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from hops.cli import main as command
    except ModuleNotFoundError as error:
        sys.exit(
            f"hops: the package {error.name} is missing: install it with "
            f"{sys.executable} -m pip install 'mri-stability-diamondcollector[hops]'"
        )
    command(prog_name="hops")


if __name__ == "__main__":
    main()
