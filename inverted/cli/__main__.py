"""`python -m inverted.cli`, the same as the `inverted` command."""

import sys

from inverted.cli.main import main

sys.exit(main())
