"""`python -m ops_lib` is `ops`."""

from ops_lib.cli import main

if __name__ == "__main__":
    main()
