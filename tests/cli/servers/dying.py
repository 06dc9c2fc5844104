"""A server that does not start."""

import sys

sys.stderr.write("reading the settings\n")
sys.exit("TEA_URL is not set")
