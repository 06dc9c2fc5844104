"""The normative sentences of a page of the specification, each with a short digest.

The manifest names the sentence that an entry stands for by this digest, because the sentences
themselves are not ours to copy.

    python conformance/tools/sentences.py PAGE.mdx…           # list them
    python conformance/tools/sentences.py --check SPEC_CLONE  # which have no entry, or no sentence
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

NORMATIVE: Final = re.compile(r"\b(MUST|SHOULD|SHALL|REQUIRED|RECOMMENDED)\b")
MANIFEST: Final = Path(__file__).parents[1] / "inverted_conformance" / "requirements"

_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_STARTS: Final = re.compile(r"^\s*([-*+]|\d+\.|\||#+|<)\s*")
_SENTENCE: Final = re.compile(r"(?<=[.;!?:])\s+(?=[A-Z`\[(])")
_LINK: Final = re.compile(r"\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])")


def sentences(text: str) -> Iterator[tuple[str, str]]:
    """Every normative sentence of a page.

    Args:
        text: The page, as Markdown or MDX.

    Yields:
        The digest and the sentence.
    """
    for block in _blocks(text):
        plain = " ".join(_LINK.sub(r"\1", block).replace("*", "").split())
        for sentence in _SENTENCE.split(plain):
            if NORMATIVE.search(sentence):
                yield digest(sentence), sentence


def digest(sentence: str) -> str:
    """Eight hexadecimal digits that name a sentence."""
    return hashlib.sha256(sentence.encode()).hexdigest()[:8]


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, list items and table rows; code and the front matter are left out."""
    fenced = False
    block: list[str] = []
    lines = text.splitlines()
    if lines and lines[0] == "---":
        lines = lines[lines.index("---", 1) + 1 :]
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and line.strip() and not _STARTS.match(line):
            block.append(line.strip())
            continue
        if block:
            yield " ".join(block)
        block = (
            []
            if fenced or not line.strip() or _FENCE.match(line)
            else [_STARTS.sub("", line).strip()]
        )
    if block:
        yield " ".join(block)


def check(clone: Path) -> int:
    """Compare the manifest with the specification.

    Args:
        clone: A clone of `modelcontextprotocol/modelcontextprotocol`.

    Returns:
        0 if every normative sentence of every page in the manifest is accounted for and every
        digest stands for a sentence; otherwise 1, and what is wrong is printed.
    """
    wrong = 0
    for file in sorted(MANIFEST.rglob("*.toml")):
        read: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
        entries: list[dict[str, Any]] = [*read["requirement"], *read.get("out_of_scope", [])]
        known = {entry["source"] for entry in entries}
        there = dict(sentences((clone / read["source"]).read_text("utf-8")))
        for missing in there.keys() - known:
            print(f"{file.name}: no entry for {missing}: {there[missing]}")
        for stale in known - there.keys():
            print(f"{file.name}: no sentence {stale} in {read['source']}")
        wrong += len(known ^ there.keys())
    print(f"{wrong} differences")
    return 1 if wrong else 0


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("page", nargs="*", type=Path)
    parser.add_argument("--check", type=Path, metavar="SPEC_CLONE")
    options = parser.parse_args()
    for page in options.page:
        for name, sentence in sentences(page.read_text("utf-8")):
            print(f"{name}  {sentence}")
    return check(options.check) if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
