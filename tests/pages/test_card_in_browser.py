"""The card in a real browser and a host of ours. Skipped where no Chromium is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inverted.pages.card import card
from inverted.run.forms import form_of
from tests.pages.cases import APPROVAL, FITS, HOSTILE, ORDER, UNFIT
from tests.pages.chromium import CONTRAST, FOUND, Chromium, Tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        FOUND is None, reason="no Chromium on PATH; install the package chromium to run this"
    ),
]

HOST = (Path(__file__).parent / "host.html").as_uri()


def ask(*questions: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    listed = [
        {"id": f"q{number}", "message": message, "requestedSchema": schema}
        for number, (message, schema) in enumerate(questions)
    ]
    asked = {
        "handle": "h1",
        "token": "t1",
        "server": "café",
        "agent": "order",
        "then": "Continue h1.",
        "questions": listed,
        **more,
    }
    return {"content": [{"type": "text", "text": "Waiting."}], "_meta": {"inverted/ask": asked}}


def reply(**structured: Any) -> dict[str, Any]:
    return {"content": [], "structuredContent": structured}


async def play(browser: Chromium, result: dict[str, Any] | None, **how: Any) -> Tab:
    """A host with the card in it, which got this result. What it says can be looked into."""
    sandbox = how.pop("sandbox", "allow-scripts allow-same-origin")
    tab = await browser.tab(dark=how.pop("dark", False), width=how.pop("width", 600))
    await tab.open(HOST)
    given = {"card": card(), "sandbox": sandbox, "result": result, **how}
    await tab.evaluate(f"play({json.dumps(given)})")
    await tab.until("said('ui/notifications/size-changed').length")
    return tab


async def until_drawn(tab: Tab) -> None:
    await tab.until("inside('button') && inside('button').getBoundingClientRect().height")


async def test_the_card_is_answered_by_keyboard_in_a_strict_sandbox(browser: Chromium) -> None:
    """The host sees only what the card says: the frame has an origin of its own."""
    tab = await browser.tab()
    await tab.open(HOST)
    how = {"card": card(), "sandbox": "allow-scripts", "result": ask(("Well?", ORDER))}
    frame = await tab.frame(f"play({json.dumps(how)})")
    await tab.until("said('ui/notifications/size-changed').at(-1)?.height > 300")
    [hello] = await tab.evaluate("said('ui/initialize')")
    assert hello["protocolVersion"] == "2026-01-26"
    assert hello["appInfo"]["name"] == "inverted-answer"
    await tab.press("Tab")  # to the first field: the card does not take the focus by itself
    await frame.until("document.hasFocus() && document.activeElement.id === 'q0f0'")
    await tab.type("Ann")
    await tab.press("Tab")
    await tab.type("20")
    await tab.press("Tab", " ", "Tab", " ", "Tab", " ", "Tab")
    await tab.type("!")
    await tab.press("Tab", "Enter")
    [call] = await tab.until("said('tools/call').length ? said('tools/call') : 0")
    content = {"name": "Ann", "age": 20, "size": "small", "extras": ["milk", "sugar"], "note": "!"}
    arguments = {"token": "t1", "question": "q0", "action": "accept", "content": content}
    assert call == {"name": "answer_card", "arguments": arguments}
    [message] = await tab.until("said('ui/message').length ? said('ui/message') : 0")
    assert message == {"role": "user", "content": [{"type": "text", "text": "Continue h1."}]}


async def test_the_card_keeps_what_was_typed_after_a_mistake(browser: Chromium) -> None:
    words = {"name": "must be <b>known</b>", "": "Look again."}
    refused = reply(problems=words)
    fails = {"error": "out of reach"}
    text = {"isError": True, "content": [{"type": "text", "text": "Store locked."}]}
    taken = reply(state="recorded")
    replies = {"tools/call": [refused, fails, text, taken]}
    tab = await play(browser, ask(("Well?", ORDER)), replies=replies)
    await until_drawn(tab)
    await tab.press("Tab")
    await tab.type("Ann")
    await tab.press("Tab")
    await tab.type("17")
    await tab.press("Enter")  # in a field it submits
    await tab.until("inside('.summary').innerText.includes('Age: must be at least 18')")
    assert "Size: is required" in await tab.evaluate("inside('.summary').innerText")
    assert await tab.evaluate("said('tools/call')") == []
    await tab.press("Tab", "Enter")  # the link to the field
    await tab.until("frame.contentDocument.activeElement.id === 'q0f1'")
    assert await tab.evaluate("inside('#q0f1').getAttribute('aria-invalid')") == "true"
    assert await tab.evaluate("inside('#q0f1').getAttribute('aria-describedby')") == (
        "q0f1-hint q0f1-wrong"
    )
    await tab.evaluate("inside('#q0f1').select()")
    await tab.type("18")
    await tab.press("Tab", " ", "Enter")
    # What the server does not take is shown in the same way.
    await tab.until("inside('.summary').innerText.includes('must be <b>known</b>')")
    assert "Look again." in await tab.evaluate("inside('.summary').innerText")
    for trouble in ("could not be passed on: out of reach. Try again.", "Store locked."):
        await tab.evaluate("inside('button.main').focus()")
        await tab.press("Enter")
        await tab.until(f"inside('.summary').innerText.includes({json.dumps(trouble)})")
        assert await tab.evaluate("inside('#q0f0').value") == "Ann"
    await tab.evaluate("inside('button.main').focus()")
    await tab.press("Enter")
    await tab.until("text().includes('Recorded: Submit')")
    calls = await tab.evaluate("said('tools/call').map((one) => one.arguments.content)")
    content = {"name": "Ann", "age": 18, "size": "small", "note": ""}
    assert calls == [content] * 4
    assert await tab.evaluate("inside('button')") is None


@pytest.mark.parametrize(
    ("tabs", "label", "sent"),
    [
        (2, "Approve", {"action": "accept", "content": {"value": True}}),
        (3, "Deny", {"action": "accept", "content": {"value": False}}),
        (4, "Cancel", {"action": "cancel"}),
    ],
)
async def test_an_approval_on_the_card_takes_a_step_to_a_button(
    browser: Chromium, tabs: int, label: str, sent: dict[str, Any]
) -> None:
    tab = await play(browser, ask(("Delete it?\n\nAll of it.", APPROVAL)))
    await until_drawn(tab)
    await tab.press("Tab", "Enter")  # the details, which can be scrolled
    await tab.press(*["Tab"] * (tabs - 1))
    assert await tab.evaluate("frame.contentDocument.activeElement.innerText") == label
    assert await tab.evaluate("said('tools/call')") == []
    await tab.press("Enter")
    await tab.until(f"text().includes('Recorded: {label}')")
    [call] = await tab.evaluate("said('tools/call')")
    assert call["arguments"] == {"token": "t1", "question": "q0", **sent}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("answered", "Already answered."),
        ("withdrawn", "Not asked any more."),
        ("ended", "The run has ended."),
        ("expired", "This card has expired."),
        ("unknown", "does not know this question any more"),
        ("stopping", "The server is stopping."),
    ],
)
async def test_a_question_that_does_not_wait_says_so_on_the_card(
    browser: Chromium, state: str, words: str
) -> None:
    over = {**reply(state=state), "isError": state == "unknown"}
    tab = await play(browser, ask(("Well?", APPROVAL)), replies={"tools/call": [over]})
    await until_drawn(tab)
    await tab.press("Tab", "Enter")
    await tab.until(f"text().includes({json.dumps(words)})")
    assert await tab.evaluate("inside('button')") is None
    # Nothing was answered here, so there is nothing to tell the model.
    assert await tab.evaluate("said('ui/message')") == []


async def test_the_model_is_told_once_when_every_question_is_settled(browser: Chromium) -> None:
    taken = reply(state="recorded")
    gone = reply(state="answered")
    questions = ask(("First?", APPROVAL), ("Second?", form_of(None).schema))
    tab = await play(browser, questions, replies={"tools/call": [taken, gone]})
    await until_drawn(tab)
    await tab.evaluate("inside('section:nth-of-type(2) button').focus()")
    await tab.press("Enter")
    await tab.until("text().includes('Recorded: OK')")
    assert await tab.evaluate("said('ui/message')") == []
    await tab.evaluate("inside('button').focus()")
    await tab.press("Enter")
    await tab.until("text().includes('The assistant continues.')")
    assert len(await tab.evaluate("said('ui/message')")) == 1
    assert await tab.evaluate("said('tools/call').map((one) => one.arguments.question)") == [
        "q1",
        "q0",
    ]


@pytest.mark.parametrize(
    ("host", "words", "told"),
    [
        ({"capabilities": {"updateModelContext": {}}}, "with your next message", 1),
        ({"replies": {"ui/message": [{"isError": True}]}}, "with your next message", 1),
        ({"replies": {"ui/message": [{"error": "no"}]}}, "with your next message", 1),
        ({"capabilities": {}}, "tell the assistant: Continue h1.", 0),
    ],
)
async def test_a_host_that_takes_no_message_is_told_otherwise(
    browser: Chromium, host: dict[str, Any], words: str, told: int
) -> None:
    tab = await play(browser, ask(("Well?", APPROVAL)), **host)
    await until_drawn(tab)
    await tab.press("Tab", "Enter")
    await tab.until(f"text().includes({json.dumps(words)})")
    updates = await tab.evaluate("said('ui/update-model-context')")
    assert updates == [{"content": [{"type": "text", "text": "Continue h1."}]}] * told


async def test_a_hostile_question_stays_text_on_the_card(browser: Chromium) -> None:
    part = {"title": HOSTILE, "description": HOSTILE, "default": HOSTILE}
    properties = {
        HOSTILE: {"type": "string", **part},
        "__proto__": {"type": "integer", "default": 1},
        "one": {"type": "string", "enum": [HOSTILE], **part},
    }
    schema = {"type": "object", "properties": properties}
    replies = {"tools/call": [{"content": [{"type": "text", "text": HOSTILE}], "isError": True}]}
    hostile = ask((f"{HOSTILE}\n\n{HOSTILE}", schema), server=HOSTILE, agent=HOSTILE)
    tab = await play(browser, None, replies=replies)
    # `json.dumps` and an object literal would make "__proto__" a prototype.
    await tab.evaluate(
        f"tell('ui/notifications/tool-result', JSON.parse({json.dumps(json.dumps(hostile))}))"
    )
    await until_drawn(tab)
    await tab.evaluate("inside('button').focus()")
    await tab.press("Enter")
    await tab.until("!inside('.summary').hidden")
    shown = HOSTILE.replace("\u202e", "\ufffd")
    assert await tab.evaluate("inside('h2').innerText") == shown
    assert shown in await tab.evaluate("inside('.summary').innerText")
    assert await tab.evaluate("frame.contentDocument.images.length") == 0
    assert await tab.evaluate("frame.contentDocument.scripts.length") == 1
    assert await tab.evaluate("frame.contentDocument.title") == "Questions for you"
    sent = await tab.evaluate("JSON.stringify(said('tools/call')[0].arguments.content)")
    assert json.loads(sent) == {HOSTILE: HOSTILE, "__proto__": 1, "one": HOSTILE}


async def test_the_card_reads_what_is_typed_as_the_page_does(
    browser: Chromium, tmp_path: Path
) -> None:
    """The same cases as in `test_form`, without what only a page can be sent.

    That is line breaks as CRLF, choices that are not there, and numbers that JavaScript has not.
    """
    alone = tmp_path / "card.html"
    alone.write_text(card(), encoding="utf-8")
    tab = await browser.tab()
    await tab.open(alone.as_uri())
    cases = [(schema, typed, value, "") for schema, typed, value in FITS]
    cases += [(schema, [typed], None, what) for schema, typed, what in UNFIT]
    for schema, typed, value, what in cases:
        if "\r" in "".join(typed) or len("".join(typed)) > 50 or "choices" in what:
            continue
        found = await tab.evaluate(
            f"""(() => {{
                const [field] = fieldsOf({json.dumps(schema)});
                const typed = {json.dumps(typed)}.filter((one) => one || !field.choices);
                try {{
                    const value = readField(field, typed);
                    return {{ value: value === undefined ? "absent" : value }};
                }} catch (error) {{
                    return {{ what: error.message }};
                }}
            }})()"""
        )
        if what:
            assert what in found["what"], (schema, typed)
        else:
            assert found == {"value": value}, (schema, typed)


async def test_the_card_listens_to_its_host_alone(browser: Chromium) -> None:
    tab = await play(browser, None)
    forged = json.dumps(ask(("Forged?", APPROVAL)))
    await tab.evaluate(
        f"""new Promise((resolve) => {{
            const other = document.createElement("iframe");
            other.srcdoc = `<script>parent.frames[0].postMessage(
                {{ jsonrpc: "2.0", method: "ui/notifications/tool-result", params: {forged} }},
                "*");
                parent.postMessage("posted", "*");</` + "script>";
            addEventListener("message", ({{ data }}) => data === "posted" && resolve());
            document.body.append(other);
        }})"""
    )
    # Messages arrive in order: when this one is answered, the forged one was seen.
    await tab.evaluate("say({ id: 7, method: 'ping' })")
    assert await tab.until("answered(7)") == {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert "Forged?" not in await tab.evaluate("text()")


async def test_the_card_answers_its_host(browser: Chromium) -> None:
    tab = await play(browser, None, context={"theme": "dark"})
    assert await tab.evaluate("frame.contentDocument.documentElement.style.colorScheme") == "dark"
    await tab.evaluate(
        """tell("ui/notifications/host-context-changed",
                 { theme: "light", styles: { variables: { "--font-sans": "monospace" } } })"""
    )
    await tab.until("inside(':root').style.colorScheme === 'light'")
    assert await tab.evaluate("inside('body').style.fontFamily") == "monospace"
    await tab.evaluate("say({ id: 8, method: 'ui/resource-teardown', params: {} })")
    assert (await tab.until("answered(8)"))["result"] == {}
    await tab.evaluate("say({ id: 9, method: 'constructor' })")
    assert (await tab.until("answered(9)"))["error"]["code"] == -32601
    for method, params, words in (
        ("tool-result", "{ content: [] }", "There is nothing to answer here."),
        ("tool-cancelled", "{ reason: 'x' }", "The call was cancelled."),
    ):
        await tab.evaluate(f"tell('ui/notifications/{method}', {params})")
        await tab.until(f"text().includes({json.dumps(words)})")


async def test_a_card_without_a_host_says_so(browser: Chromium, tmp_path: Path) -> None:
    alone = tmp_path / "card.html"
    alone.write_text(card(), encoding="utf-8")
    tab = await browser.tab()
    await tab.open(alone.as_uri())
    assert "inside of an MCP Apps host only" in await tab.evaluate("document.body.innerText")


async def test_a_host_that_refuses_the_card_is_told(browser: Chromium) -> None:
    tab = await browser.tab()
    await tab.open(HOST)
    how = {
        "card": card(),
        "sandbox": "allow-scripts allow-same-origin",
        "replies": {"ui/initialize": [{"error": "too old"}]},
    }
    await tab.evaluate(f"play({json.dumps(how)})")
    await tab.until("text().includes('The card could not start: too old.')")


@pytest.mark.parametrize("dark", [False, True])
async def test_the_card_fits_its_frame_and_its_contrast_is_enough(
    browser: Chromium, *, dark: bool
) -> None:
    theme = {"theme": "dark" if dark else "light"}
    # The host's theme counts, whatever the system's is.
    tab = await play(browser, ask(("Well?", ORDER)), context=theme, dark=not dark, width=320)
    await until_drawn(tab)
    await tab.evaluate("inside('button').click()")
    await tab.until("!inside('.summary').hidden")
    await tab.until("frame.clientHeight === inside('body').offsetHeight")
    assert await tab.evaluate("inside(':root').scrollWidth") == 320
    least = CONTRAST.replace("document.", "frame.contentDocument.")
    assert await tab.evaluate(f"(() => {{ {least} }})()") >= 4.5
