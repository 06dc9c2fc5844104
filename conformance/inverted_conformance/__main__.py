"""`python -m inverted_conformance`: the command line."""

import sys

from inverted_conformance.cli import main

if __name__ == "__main__":
    sys.exit(main())
