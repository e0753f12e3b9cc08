"""Lets `python -m gedit_bench` be `gedit-bench`."""

from gedit_bench.cli.app import main

if __name__ == "__main__":
    main()
