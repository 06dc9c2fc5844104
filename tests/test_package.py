"""What the installed distribution promises."""

from importlib.metadata import version
from importlib.resources import files

import inverted


def test_the_version_is_the_one_that_the_distribution_declares() -> None:
    assert isinstance(inverted.__version__, str)
    assert inverted.__version__ == version("inverted")


def test_the_package_says_that_it_is_typed() -> None:
    assert files("inverted").joinpath("py.typed").is_file()
