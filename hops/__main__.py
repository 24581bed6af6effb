"""`python -m hops` is the command `hops`."""

from hops.cli import main

if __name__ == "__main__":
    main(prog_name="hops")
