"""JSON as models write it: read strictly first, then repaired where the meaning is certain.

Repaired: single and curly quotes, Python's `True`, `False` and `None`, keys without quotes,
trailing commas, escapes that JSON does not know, line breaks in strings, and closing brackets that
miss before an end tag. Never repaired: what is cut off, since half an argument is worse than none;
and quotes within quotes, since nobody knows where the string ends.

Own code: `json-repair` 0.64 took 0.9 s for 10 KB of `{` and 94 ms for 100 KB of honest JSON with a
trailing comma, and completes what is cut off. This reads with the scanner of the standard library,
and repairs a bounded number of characters, each once.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple, Never

from pydantic_core import to_json

from inverted.core.effects import Json

DEPTH: Final = 64
"""How deep arguments may nest. Pydantic dumps 255 levels, and they travel inside of a message."""

CONTAINERS: Final = 20_000
"""Objects and lists in one answer. Python's garbage collector makes a million of them slow."""

ALLOWANCE: Final = 32_768
"""Characters of one answer that may be repaired, in a loop in Python."""

_TOKEN: Final = re.compile(
    r"""
    (?P<space> \s++ )
  | (?P<string> "[^"\\]*+(?:\\.[^"\\]*+)*+"
              | '[^'\\]*+(?:\\.[^'\\]*+)*+'
              | [“”„][^“”„]*+[“”]
              | [\u2018\u2019][^\u2018\u2019]*+[\u2018\u2019] )
  | (?P<open> [{\[] )
  | (?P<close> [}\]] )
  | (?P<mark> [,:] )
  | (?P<key> [A-Za-z_$][\w$]*+(?=\s*+:) )
  | (?P<word> [\w.+-]++ )
    """,
    re.VERBOSE | re.DOTALL,
)
_NO_BRACKETS: Final = re.compile(r"[^{}\[\]]+")
_CLOSER: Final = {"{": "}", "[": "]"}
_WORDS: Final = {"True": "true", "False": "false", "None": "null"}
# An odd number of backslashes: the last one escapes what follows.
_ESCAPED_APOSTROPHE: Final = re.compile(r"(?<!\\)((?:\\\\)*+)\\'")
_UNKNOWN_ESCAPE: Final = re.compile(r"(?<!\\)((?:\\\\)*+)\\(?![\"\\/bfnrt]|u[0-9a-fA-F]{4})")
_BARE_QUOTE: Final = re.compile(r'(?<!\\)((?:\\\\)*+)"')


class UnreadableError(ValueError):
    """The JSON cannot be read; the message completes "It could not be read: …"."""


class Read(NamedTuple):
    """A value that was read.

    Attributes:
        value: The value.
        end: Where it ends.
        spent: Characters that were repaired.
    """

    value: Json
    end: int
    spent: int


def read_json(text: str, start: int, closing: str, allowance: int) -> Read:
    """Read the object or list at a place of a text.

    Args:
        text: The text.
        start: Where the value begins.
        closing: The tag before which closing brackets may miss.
        allowance: Characters that may be repaired.

    Raises:
        UnreadableError: There is none, or it stays unreadable.
    """
    if text[start : start + 1] not in ("{", "["):
        raise UnreadableError("it is no JSON object")
    try:
        value, end = _DECODER.raw_decode(text, start)
        return Read(_kept(value, text[start:end]), end, 0)
    except RecursionError:
        raise _too_deep() from None
    except UnreadableError:
        raise
    except ValueError as strict:
        repaired, end = _repaired(text, start, closing, allowance)
        try:
            value = _DECODER.decode(repaired)
        except (RecursionError, ValueError):
            raise _what(strict, text) from None
    return Read(_kept(value, repaired), end, end - start)


def whole(text: str) -> str:
    """Text without lone surrogates, which no UTF-8 message can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _refuse(constant: str) -> Never:
    raise UnreadableError(f"{constant} is no JSON")


# Not strict: line breaks and tabs may stand in strings.
_DECODER: Final = json.JSONDecoder(strict=False, parse_constant=_refuse)


def check_amount(text: str, start: int) -> None:
    """Refuse more values than Python makes in the time that an answer may take.

    Raises:
        UnreadableError: From `start` on there are more than `CONTAINERS` objects and lists.
    """
    rough = text.count("{", start) + text.count("[", start)
    if rough > CONTAINERS:
        bare = _without_strings(text[start:])
        if bare.count("{") + bare.count("[") > CONTAINERS:
            raise UnreadableError(f"it holds more than {CONTAINERS} objects and lists")


def _kept(value: Json, written: str) -> Json:
    """The value as a journal and a message can keep it."""
    if written.count("{") + written.count("[") > DEPTH:
        depth = 0
        for bracket in _NO_BRACKETS.sub("", _without_strings(written)):
            depth += 1 if bracket in "{[" else -1
            if depth > DEPTH:
                raise _too_deep()
    try:
        out = to_json(value, inf_nan_mode="constants")
    except ValueError:  # lone surrogates
        return json.loads(whole(json.dumps(value, ensure_ascii=False)))
    if out.rfind(b"Infinity") >= 0 and "Infinity" in _without_strings(out.decode()):
        raise UnreadableError("a number is too large")
    return value


def _without_strings(written: str) -> str:
    bare = written.replace("\\\\", "").replace('\\"', "")
    return "".join(bare.split('"')[::2])


def _repaired(text: str, start: int, closing: str, allowance: int) -> tuple[str, int]:
    """Strict JSON in place of what stands at `start`, and where that ends."""
    out: list[str] = []
    missing: list[str] = []  # the closing brackets of what is open
    position, limit = start, start + allowance
    while position < limit and (token := _TOKEN.match(text, position)) is not None:
        position, kind = token.end(), token.lastgroup
        if kind == "space":
            continue
        if kind == "open":
            missing.append(_CLOSER[token[0]])
        elif kind == "close":
            _drop_comma(out)
            missing.pop()
        out.append(_spelled(token))
        if not missing:
            return " ".join(out), position
    if text.startswith(closing, position):
        _drop_comma(out)
        return " ".join([*out, *reversed(missing)]), position
    if position >= limit:
        raise UnreadableError("it is broken, and too long to be repaired")
    if position == len(text) or text[position] in "\"'":
        raise UnreadableError("it is cut off, or a string does not end")
    raise UnreadableError(f"it breaks at {_near(text, position)}")


def _drop_comma(out: list[str]) -> None:
    if out[-1:] == [","]:
        out.pop()


def _spelled(token: re.Match[str]) -> str:
    """A token as JSON spells it."""
    part = token[0]
    if token.lastgroup == "key":
        return f'"{part}"'
    if token.lastgroup != "string":
        return _WORDS.get(part, part)
    body = part[1:-1]
    if "\\" in body:
        body = _UNKNOWN_ESCAPE.sub(r"\1\\\\", _ESCAPED_APOSTROPHE.sub(r"\1'", body))
    if part[0] != '"' and '"' in body:
        body = _BARE_QUOTE.sub(r'\1\\"', body)
    return f'"{body}"'


def _what(error: ValueError, text: str) -> UnreadableError:
    if isinstance(error, json.JSONDecodeError):
        return UnreadableError(f"{error.msg} at {_near(text, error.pos)}")
    return UnreadableError("a number is too large")


def _near(text: str, position: int) -> str:
    return repr(text[max(0, position - 10) : position + 20])


def _too_deep() -> UnreadableError:
    return UnreadableError(f"it nests deeper than {DEPTH} levels")
