"""The form: what is drawn for a question, and what is made of what a browser sends."""

from __future__ import annotations

from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from inverted.pages.fields import fields_of
from inverted.pages.form import FormProblems, Shown, Typed, read, render
from inverted.run.forms import form_of
from tests.pages.cases import FEW, FITS, SEVERAL, UNFIT, needed, optional
from tests.pages.reading import Page

HOSTILE = "</p><script>alert(1)</script>\" autofocus onfocus='x' & \u202eevil\x00\ud800"


def shown(schema: dict[str, Any], message: str = "Well?") -> Shown:
    return Shown("r", "q", "shop", "order", message, schema)


def drawn(schema: dict[str, Any], message: str = "Well?", **more: Any) -> Page:
    return Page(render(shown(schema, message), nonce="n", **more))


def answered(schema: dict[str, Any], *typed: str) -> Any:
    result = read({"action": ["accept"], "f0": typed}, schema)
    assert result["action"] == "accept"
    return result["content"].get("it", "absent")


def problem(schema: dict[str, Any], *typed: str) -> str:
    with pytest.raises(FormProblems) as caught:
        answered(schema, *typed)
    return caught.value.problems["it"]


# -- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("schema", "typed", "value"), FITS)
def test_what_was_typed_becomes_the_value_that_the_schema_asks_for(
    schema: dict[str, Any], typed: list[str], value: object
) -> None:
    found = answered(schema, *typed)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("schema", "typed", "what"), UNFIT)
def test_what_does_not_fit_is_refused_in_words_for_a_person(
    schema: dict[str, Any], typed: str, what: str
) -> None:
    assert what in problem(schema, typed)


def test_too_many_choices_are_refused() -> None:
    assert problem(needed(**FEW), "0", "1", "2") == "must have at most 2 choices"


def test_every_wrong_field_is_named_at_once() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
        "required": ["b"],
    }
    with pytest.raises(FormProblems, match="a: must be a whole number; b: is required"):
        read({"action": ["accept"], "f0": ["x"]}, schema)


@pytest.mark.parametrize("pressed", ["decline", "cancel"])
def test_who_declines_or_cancels_need_not_fill_anything_in(pressed: str) -> None:
    assert read({"action": [pressed], "f0": ["x"]}, needed(type="integer")) == {"action": pressed}


@pytest.mark.parametrize("typed", [{}, {"action": []}, {"action": ["yes"]}, {"action": ["x"]}])
def test_a_form_without_one_of_its_buttons_is_no_answer(typed: Typed) -> None:
    with pytest.raises(FormProblems, match="Choose one of the buttons"):
        read(typed, needed(type="integer"))


@pytest.mark.parametrize(
    "schema",
    [
        optional(type="object"),
        optional(type="array", items={"type": "string"}),
        optional(anyOf=[{"type": "string"}, {"type": "null"}]),
    ],
)
def test_a_field_that_no_form_holds_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="'it' cannot be shown: a form holds text, numbers"):
        render(shown(schema), nonce="n")


# -- drawing ----------------------------------------------------------------------------------


def test_the_page_says_who_asks_and_what() -> None:
    text = render(
        shown(optional(type="string"), "File it?\n\nTitle: <b>x</b>\r\n  Body"), nonce="n1"
    )
    assert '<style nonce="n1">' in text
    assert "<title>shop asks: File it?</title>" in text
    assert 'The server <b dir="auto">shop</b> asks you. Its agent: <b dir="auto">order</b>' in text
    assert '<h1 id="question" dir="auto">File it?</h1>' in text
    assert ">Title: &lt;b&gt;x&lt;/b&gt;\n  Body</div>" in text


@pytest.mark.parametrize("message", ["", "  \n", "x" * 201, "x" * 201 + "\n\ny"])
def test_a_message_without_a_short_first_paragraph_has_a_plain_heading(message: str) -> None:
    text = render(shown(optional(type="string"), message), nonce="n")
    assert ">A question for you</h1>" in text
    assert ('class="details"' in text) is bool(message.strip())
    assert message.strip() in text


def test_nothing_of_a_question_becomes_markup_or_reorders_text() -> None:
    schema = {
        "type": "object",
        "properties": {
            HOSTILE: {"type": "string", "title": HOSTILE, "description": HOSTILE},
            "b": {"type": "string", "default": HOSTILE, "maxLength": 99},
            "c": {"type": "string", "default": HOSTILE},
            "d": {"type": "string", "enum": [HOSTILE, "x"]},
            "e": {"type": "array", "items": {"anyOf": [{"const": HOSTILE, "title": HOSTILE}]}},
            "f": {"type": "string", "enum": [*map(str, range(9)), HOSTILE]},
        },
    }
    asked = Shown("r", "q", HOSTILE, HOSTILE, f"{HOSTILE}\n\n{HOSTILE}", schema)
    wrong = {HOSTILE: HOSTILE, "": HOSTILE}
    for text in (
        render(asked, nonce="n", action=HOSTILE),
        render(asked, nonce="n", problems=wrong, filled={"f0": [HOSTILE], "f1": [HOSTILE]}),
    ):
        text.encode()
        page = Page(text)
        assert "script" not in {tag.tag for tag in page.tags}
        assert not any(name.startswith("on") for tag in page.tags for name in tag.attributes)
        assert "\x00" not in text
        body = "".join(tag.text for tag in page.tags if tag.tag != "textarea")
        assert "\u202e" not in body
    sent = Page(render(asked, nonce="n")).sent()
    content = read({**sent, "f0": [HOSTILE], "f3": ["0"], "f4": ["0"], "f5": ["9"]}, schema)
    assert content["content"] == {
        HOSTILE: HOSTILE,
        # What no page can hold came back as U+FFFD.
        "b": HOSTILE.replace("\x00", "\ufffd").replace("\ud800", "\ufffd"),
        "c": HOSTILE.replace("\x00", "\ufffd").replace("\ud800", "\ufffd"),
        "d": HOSTILE,
        "e": [HOSTILE],
        "f": HOSTILE,
    }


@pytest.mark.parametrize(
    ("schema", "tag", "attributes"),
    [
        (needed(type="string", maxLength=100), "input", {"type": "text", "required": None}),
        (optional(type="string"), "textarea", {"rows": "2"}),
        (optional(type="string", maxLength=9, default="a\nb"), "textarea", {}),
        (optional(type="string", format="email"), "input", {"inputmode": "email"}),
        (optional(type="string", format="email"), "input", {"autocomplete": "email"}),
        (optional(type="string", format="uri"), "input", {"inputmode": "url"}),
        (optional(type="string", format="date"), "input", {"type": "date"}),
        (optional(type="string", format="date-time"), "input", {"type": "text"}),
        (optional(type="integer"), "input", {"type": "text", "inputmode": "numeric"}),
        (optional(type="number"), "input", {"type": "text", "inputmode": "decimal"}),
        (optional(type="boolean"), "input", {"type": "radio"}),
        (optional(type="string", enum=["a"]), "input", {"type": "radio"}),
        (optional(type="string", enum=[*"abcdefgh"]), "select", {}),
        (optional(**SEVERAL), "input", {"type": "checkbox"}),
    ],
)
def test_each_kind_of_field_has_its_control(
    schema: dict[str, Any], tag: str, attributes: dict[str, str | None]
) -> None:
    control = drawn(schema).named("f0")[0]
    assert control.tag == tag
    assert attributes.items() <= control.attributes.items()


def test_a_date_that_a_picker_would_lose_is_shown_as_text() -> None:
    schema = optional(type="string", format="date")
    filled = {"f0": ["next week"]}
    page = drawn(schema, filled=filled, problems={"it": "must be a date"})
    assert page.named("f0")[0].attributes["type"] == "text"
    assert page.sent()["f0"] == ["next week"]
    picked = drawn(schema, filled={"f0": ["2026-07-28"]}, problems={"": "Once more."})
    assert picked.named("f0")[0].attributes["type"] == "date"


def test_every_control_is_labelled_and_described() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {
                "type": "string",
                "title": "A",
                "description": "As on the badge.",
                "maxLength": 9,
            },
            "b": {**FEW, "title": "B"},
            "c": {"type": "string", "enum": [*"abcdefgh"]},
        },
    }
    text = render(
        shown(schema), nonce="n", problems={"a": "is <b>", "b": "is required", "": "All wrong."}
    )
    page = Page(text)
    ids = [tag.attributes["id"] for tag in page.tags if "id" in tag.attributes]
    assert len(ids) == len(set(ids))
    for control in page.controls:
        if control.tag in ("textarea", "select") or control.attributes.get("type") == "text":
            labels = [
                tag for tag in page.tags if tag.attributes.get("for") == control.attributes["id"]
            ]
            assert len(labels) == 1
    described = [tag for tag in page.tags if "aria-describedby" in tag.attributes]
    assert [tag.tag for tag in described] == ["input", "fieldset"]
    for tag in described:
        assert set((tag.attributes["aria-describedby"] or "").split()) <= set(ids)
        assert tag.attributes["aria-invalid"] == "true"
    assert '<p id="f0-hint" class="hint" dir="auto">As on the badge (at most 9 characters)' in text
    assert '<p id="f1-hint" class="hint" dir="auto">From 1 to 2 choices' in text
    assert '<p id="f0-wrong" class="problem" dir="auto">Is &lt;b&gt;' in text
    links = [tag.attributes["href"] for tag in page.tags if tag.tag == "a"]
    assert links == ["#f0", "#f1"]
    assert "<li>All wrong.</li>" in text
    assert "<title>Error: shop asks" in text


def test_the_focus_starts_where_the_person_has_to_go() -> None:
    first = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    assert [one.attributes["id"] for one in drawn(first).focused] == ["f0"]
    assert [one.attributes["id"] for one in drawn(optional(**SEVERAL)).focused] == ["f0"]
    # The radio button that is set is the one that Tab would reach.
    default = drawn(optional(type="string", enum=["a", "b"], default="b"))
    assert [one.attributes["id"] for one in default.focused] == ["f0-1"]
    wrong = drawn(first, problems={"a": "is required"})
    assert [one.attributes["role"] for one in wrong.focused] == ["alert"]


@pytest.mark.parametrize(
    ("kind", "title", "buttons"),
    [
        (bool, "Approve", ["Approve", "Deny", "Cancel"]),
        (bool, None, ["Yes", "No", "Decline", "Cancel"]),
        (None, None, ["OK", "Decline", "Cancel"]),
        (bool | None, None, ["Submit", "Decline", "Cancel"]),
        (int, None, ["Submit", "Decline", "Cancel"]),
    ],
)
def test_a_yes_or_no_is_said_with_a_button(
    kind: Any, title: str | None, buttons: list[str]
) -> None:
    page = drawn(form_of(kind, title=title).schema)
    assert page.buttons == buttons
    if buttons[0] != "Submit":
        # Enter takes none of them: the focus is on the question, and there is no field.
        assert [one.tag for one in page.focused] == ["h1"]
        assert not any(one.tag in ("input", "textarea") for one in page.controls)


@pytest.mark.parametrize(
    ("pressed", "result"),
    [
        ("yes", {"action": "accept", "content": {"value": True}}),
        ("no", {"action": "accept", "content": {"value": False}}),
        ("cancel", {"action": "cancel"}),
    ],
)
def test_an_approval_is_read_from_its_button(pressed: str, result: dict[str, Any]) -> None:
    assert read({"action": [pressed]}, form_of(bool, title="Approve").schema) == result


def test_a_decision_shows_what_its_field_says() -> None:
    class Decision(BaseModel):
        keep: bool = Field(title="Keep it", description="For a year.")

    text = render(shown(form_of(Decision).schema), nonce="n")
    assert '<p class="label" dir="auto">Keep it</p>' in text
    assert '<p class="hint" dir="auto">For a year.</p>' in text
    assert 'class="label"' not in render(shown(form_of(bool).schema), nonce="n")


def test_an_acceptance_is_one_button_and_fits_its_form() -> None:
    form = form_of(None)
    result = read({"action": ["accept"]}, form.schema)
    assert result == {"action": "accept", "content": {"ok": True}}
    assert form.read(result["content"]) is None


def test_a_form_of_one_value_is_not_labelled_value() -> None:
    assert fields_of(form_of(int).schema)[0].title == "Your answer"
    assert fields_of(form_of(int, title="Age").schema)[0].title == "Age"


# -- both -------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=30)
choice = st.lists(texts.filter(bool), min_size=1, max_size=10, unique=True)


@st.composite
def kinds(draw: st.DrawFn) -> tuple[Any, st.SearchStrategy[Any]]:
    """A type and its values."""
    match draw(st.sampled_from(["text", "whole", "number", "boolean", "one", "many"])):
        case "text":
            return str, texts.filter(bool)
        case "whole":
            return int, st.integers()
        case "number":
            return float, st.floats(allow_nan=False, allow_infinity=False)
        case "boolean":
            return bool, st.booleans()
        case "one":
            names = draw(choice)
            return Literal[tuple(names)], st.sampled_from(names)
        case _:
            names = draw(choice)
            picked = st.lists(st.sampled_from(names), unique=True, min_size=1)
            return list[Literal[tuple(names)]], picked.map(
                lambda some: sorted(some, key=names.index)
            )


def put(name: str, value: Any, schema: dict[str, Any]) -> list[str]:
    """What a browser sends when the person fills in this value."""
    known = next(one for one in fields_of(schema) if one.name == name)
    if not known.choices:
        return [value.replace("\n", "\r\n") if isinstance(value, str) else repr(value)]
    chosen: list[Any] = value if known.kind == "many" else [value]
    return [str(n) for n, (one, _) in enumerate(known.choices) if one in chosen]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_a_person_fills_in_arrives(data: st.DataObject) -> None:
    """For any form: what is filled in arrives, what is left alone is the default or absent."""
    drawn_kinds = data.draw(st.lists(kinds(), min_size=2, max_size=5))
    fields: dict[str, Any] = {}
    values: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for number, (kind, strategy) in enumerate(drawn_kinds):
        name = f"it_{number}"
        state = data.draw(st.sampled_from(["default", "optional", "filled"]))
        value = data.draw(strategy)
        fields[name] = {
            "default": (kind, value),
            "optional": (kind | None, None),
            "filled": (kind, data.draw(st.sampled_from([..., value]))),
        }[state]
        if state == "filled":
            value = data.draw(strategy)
            values[name] = value
        if state != "optional":
            expected[name] = value
    form = form_of(create_model("Drawn", **fields))
    page = drawn(form.schema)
    sent = page.sent()
    for number, name in enumerate(form.schema["properties"]):
        if name in values:
            sent[f"f{number}"] = put(name, values[name], form.schema)
    result = read(sent, form.schema)
    assert result == {"action": "accept", "content": expected}
    jsonschema.validate(result["content"], form.schema)
    form.read(result["content"])

    # Shown again, the form sends the same once more.
    again = drawn(form.schema, filled=sent, problems={"": "Once more."}).sent()
    assert read(again, form.schema) == result


@given(st.text())
def test_no_text_changes_what_the_page_is_made_of(text: str) -> None:
    def tags(text: str) -> list[str]:
        part = {"type": "string", "title": text, "description": text, "default": text}
        listed = {"type": "string", "oneOf": [{"const": text, "title": text}], "default": text}
        schema = {"properties": {text: {**part, "maxLength": 9}, "list": listed}}
        asked = Shown("r", "q", text, text, f"x\n\n{text}", schema)
        source = render(asked, nonce="n", problems={text: text})
        source.encode()
        return [one.tag for one in Page(source).tags]

    assert tags(f"x{text}".replace("\n", " ")) == tags("x")
