"""What a person does in a real client, step by step, and what the server must get from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Protocol

from inverted_conformance.client_mode.answer import Answer
from inverted_conformance.client_mode.asks import assistant, text, tools, user
from inverted_conformance.client_mode.plain import array, mapping
from inverted_conformance.scenario import Registry
from inverted_conformance.wire import shapes
from inverted_conformance.wire.transcript import Message

HAND: Final = Registry("client")
REJECTED: Final = -1


class Hand(Protocol):
    """One check, as the person goes through it."""

    @property
    def modern(self) -> bool:
        """Whether 2026-07-28 is spoken."""
        ...

    async def ask(self, *needs: str, **requests: Message) -> dict[str, Answer]:
        """Ask, if the client declares what is needed. Ends the check if it does not."""
        ...

    def check(self, key: str, ok: bool, seen: str, wanted: str = "") -> None:  # noqa: FBT001 - as `Stage.check`
        """Note one look at one requirement."""
        ...


def _form(todo: str, properties: Message, *required: str) -> Message:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"method": "elicitation/create", "params": {"message": todo, "requestedSchema": schema}}


def _model(said: str, **params: Any) -> Message:
    return {
        "method": "sampling/createMessage",
        "params": {"messages": [user(said)], "maxTokens": 200, **params},
    }


NAME: Final[Message] = {"name": {"type": "string", "title": "Name"}}


@HAND.scenario("elicitation", checks=("elicitation.mode-omitted", "elicitation.defaults"))
async def form_accepted(hand: Hand) -> None:
    """Type Ada as the name, leave the rest of the form as it is, and accept."""
    fields: Message = {
        **NAME,
        "city": {"type": "string", "title": "City", "default": "London"},
        "year": {"type": "integer", "title": "Year", "default": 1843},
        "famous": {"type": "boolean", "title": "Famous", "default": True},
    }
    asked = _form("Type Ada as the name, leave the rest as it is, and accept.", fields, "name")
    answer = (await hand.ask("elicitation.form", form=asked))["form"]
    content = mapping(answer.result.get("content"))
    named = answer.result.get("action") == "accept" and content.get("name") == "Ada"
    seen = f"The server got {answer}."
    hand.check("elicitation.mode-omitted", named, seen, "accepted, with the name Ada")
    kept = {key: content.get(key) for key in ("city", "year", "famous")}
    wanted = {key: fields[key]["default"] for key in kept}
    hand.check("elicitation.defaults", kept == wanted, seen, f"also {json.dumps(wanted)}")


@HAND.scenario("elicitation", checks=("elicitation.content-validated",))
async def form_choices(hand: Hand) -> None:
    """Choose green as the colour and both red and blue as the paints, and accept."""
    colours = ["red", "green", "blue"]
    fields: Message = {
        "colour": {"type": "string", "title": "Colour", "enum": colours},
        "paints": {
            "type": "array",
            "title": "Paints",
            "items": {"anyOf": [{"const": each, "title": each.title()} for each in colours]},
        },
    }
    todo = "Choose green as the colour and both red and blue as the paints, and accept."
    answer = (await hand.ask("elicitation.form", form=_form(todo, fields, "colour")))["form"]
    content = mapping(answer.result.get("content"))
    paints = sorted(map(str, array(content.get("paints"))))
    right = content.get("colour") == "green" and paints == ["blue", "red"]
    hand.check(
        "elicitation.content-validated", right, f"The server got {answer}.", "these three choices"
    )


@HAND.scenario("elicitation", checks=("elicitation.decline-cancel",))
async def form_declined(hand: Hand) -> None:
    """Decline this form."""
    answer = (await hand.ask("elicitation.form", form=_form("Decline this form.", NAME)))["form"]
    _action(hand, answer, "decline")


@HAND.scenario("elicitation", checks=("elicitation.decline-cancel",))
async def form_cancelled(hand: Hand) -> None:
    """Close this form without accepting or declining it, for example with Escape."""
    todo = "Close this form without accepting or declining it, for example with Escape."
    _action(hand, (await hand.ask("elicitation.form", form=_form(todo, NAME)))["form"], "cancel")


def _action(hand: Hand, answer: Answer, action: str) -> None:
    hand.check(
        "elicitation.decline-cancel",
        answer.result.get("action") == action,
        f"The server got {answer}.",
        f"the action {action!r}",
    )


@HAND.scenario("elicitation", checks=("elicitation.content-validated",))
async def form_wrong(hand: Hand) -> None:
    """Type eleven as the number and try to accept; if the client does not let you, cancel."""
    todo = "Type 11 as the number and try to accept. If the client does not let you, cancel."
    number = {"type": "integer", "title": "From 0 to 10", "minimum": 0, "maximum": 10}
    field: Message = {"number": number}
    answer = (await hand.ask("elicitation.form", form=_form(todo, field, "number")))["form"]
    hand.check(
        "elicitation.content-validated",
        answer.result.get("action") != "accept",
        f"The server got {answer}.",
        "nothing that does not fit the form",
    )


@HAND.scenario("url", checks=("elicitation.decline-cancel",))
async def page_declined(hand: Hand) -> None:
    """Do not visit the page: decline."""
    params: Message = {
        "mode": "url",
        "message": "Do not visit this page: decline.",
        "url": "https://example.com/conformance",
    }
    if not hand.modern:
        params["elicitationId"] = "by-hand"
    asked = {"method": "elicitation/create", "params": params}
    _action(hand, (await hand.ask("elicitation.url", page=asked))["page"], "decline")


@HAND.scenario("sampling", checks=("capabilities.sampling-declared", "sampling.message-shape"))
async def model_answers(hand: Hand) -> None:
    """Allow the model to answer."""
    answer = (await hand.ask("sampling", model=_model("Reply with one word: pong")))["model"]
    wrong = "it is refused" if answer.refused else _misshapen(answer)
    for key in ("capabilities.sampling-declared", "sampling.message-shape"):
        hand.check(key, not wrong, f"The server got {answer}.", f"a message; {wrong}")


@HAND.scenario("sampling", checks=("sampling.rejected",), wires=("2025-11-25",))
async def model_rejected(hand: Hand) -> None:
    """Do not allow the model to answer."""
    asked = _model("The person should not allow this.")
    answer = (await hand.ask("sampling", model=asked))["model"]
    hand.check(
        "sampling.rejected",
        answer.error.get("code") == REJECTED,
        f"The server got {answer}.",
        "the error -1",
    )


def _misshapen(answer: Answer) -> str:
    return shapes.result("client", "2025-11-25", "sampling/createMessage", answer.result) or ""


def _tools(mode: str) -> Message:
    said = "What is the weather in Paris? Use the tool if you can; otherwise say that you cannot."
    return _model(said, tools=tools("get_weather"), toolChoice={"mode": mode})


def _choice(mode: str, judge: Callable[[Answer], bool], wanted: str) -> Callable[[Hand], Any]:
    async def look(hand: Hand) -> None:
        answer = (await hand.ask("sampling.tools", model=_tools(mode)))["model"]
        ok = not answer.refused and judge(answer)
        hand.check(f"sampling-tools.choice-{mode}", ok, f"The server got {answer}.", wanted)

    return look


@HAND.scenario("sampling-tools", checks=("sampling-tools.choice-required",))
async def tool_required(hand: Hand) -> None:
    """Allow the model to answer; it must use a tool."""
    await _choice("required", lambda answer: bool(answer.uses), "a use of the tool")(hand)


@HAND.scenario("sampling-tools", checks=("sampling-tools.choice-none",))
async def tool_forbidden(hand: Hand) -> None:
    """Allow the model to answer; it must not use a tool."""
    await _choice("none", lambda answer: not answer.uses, "no use of the tool")(hand)


@HAND.scenario("sampling-tools", checks=("sampling.content-validated",))
async def result_missing(hand: Hand) -> None:
    """Whatever you do: the client must refuse this request, as the result of a tool is missing."""
    use: Message = {"type": "tool_use", "id": "u1", "name": "get_weather", "input": {}}
    messages = [user("Weather?"), assistant([use]), user([text("Well?")])]
    asked = _model("", messages=messages, tools=tools("get_weather"))
    answer = (await hand.ask("sampling.tools", model=asked))["model"]
    hand.check(
        "sampling.content-validated", answer.refused, f"The server got {answer}.", "a refusal"
    )


@HAND.scenario("rounds", checks=("rounds.answers-first",), wires=("2026-07-28",))
async def two_rounds(hand: Hand) -> None:
    """Accept two forms, then a third: type first, second and third as the names."""
    asked = {
        word: _form(f"Type {word} as the name, and accept.", NAME, "name")
        for word in ("first", "second", "third")
    }
    third = asked.pop("third")
    answers = await hand.ask("elicitation.form", **asked)
    answers |= await hand.ask("elicitation.form", third=third)
    names = {key: mapping(each.result.get("content")).get("name") for key, each in answers.items()}
    hand.check(
        "rounds.answers-first",
        all(key == name for key, name in names.items()),
        f"The names were {names}.",
        "each under the key of its own form",
    )
