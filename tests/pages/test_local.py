"""Pages on this machine, over real HTTP: who may come in, and what each state says."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.applications import Starlette

from inverted.errors import AnswerError
from inverted.pages import web
from inverted.pages.desk import Desk, Posted
from inverted.pages.form import FormProblems, Shown
from inverted.pages.local import LocalPages

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "maxLength": 20},
        "age": {"type": "integer", "title": "Age", "minimum": 18},
    },
    "required": ["name"],
}
SUBMIT = {"action": "accept", "f0": "Ann", "f1": "20"}
OURS = {"Sec-Fetch-Site": "same-origin"}


def question(id: str = "q1", run_id: str = "r1") -> Shown:
    return Shown(run_id, id, "shop", "order", "Who are you?\n\nWe need it <b>now</b>.", SCHEMA)


@dataclass
class Site:
    """A desk that is served, and what came of it."""

    http: httpx2.AsyncClient
    becomes: Posted | Exception = "recorded"
    taken: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    opened: list[str] = field(default_factory=list[str])
    now: float = 1000.0
    trouble: str | None = None

    def __post_init__(self) -> None:
        self.desk = Desk(self.post, now=lambda: self.now, lifetime=60)
        self.pages = LocalPages(self.desk, self.show)

    async def post(self, asked: Shown, result: dict[str, Any]) -> Posted:
        if isinstance(self.becomes, Exception):
            raise self.becomes
        self.taken.append(result)
        return self.becomes

    async def show(self, url: str) -> str | None:
        self.opened.append(url)
        return self.trouble

    async def url(self) -> str:
        return (await self.pages.open(question())).url

    async def send(self, url: str, data: dict[str, str] | None = None, **more: Any) -> Any:
        headers = {**OURS, **more.pop("headers", {})}
        return await self.http.post(url, data=data or SUBMIT, headers=headers, **more)


@asynccontextmanager
async def serving() -> AsyncGenerator[Site]:
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
        site = Site(http)
        try:
            yield site
        finally:
            await site.pages.aclose()


def says(response: httpx2.Response, status: int, title: str) -> bool:
    """Whether it is that page; and every page must have the headers that protect it."""
    headers = response.headers
    nonce = re.search(r"'nonce-([^']+)'", headers["content-security-policy"])
    assert nonce is not None
    assert headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'nonce-{nonce[1]}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "server" not in headers
    assert f'<style nonce="{nonce[1]}">' in response.text
    return (response.status_code, f'<h1 tabindex="-1" autofocus>{title}</h1>' in response.text) == (
        status,
        True,
    )


async def test_a_person_is_shown_the_question_and_the_answer_is_recorded() -> None:
    async with serving() as site:
        opened = await site.pages.open(question())
        assert opened.trouble is None
        assert site.opened == [opened.url]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/answer/[\w-]{43}", opened.url)

        asked = await site.http.get(opened.url)
        assert asked.status_code == 200
        assert "<h1" in asked.text
        assert "Who are you?</h1>" in asked.text
        assert "We need it &lt;b&gt;now&lt;/b&gt;." in asked.text

        done = await site.send(opened.url)
        assert says(done, 200, "Recorded")
        assert "You chose “Submit”, and shop has your answer." in done.text
        assert site.taken == [{"action": "accept", "content": {"name": "Ann", "age": 20}}]


async def test_looking_does_not_use_a_question_up() -> None:
    async with serving() as site:
        url = await site.url()
        preview = await site.http.head(url, headers={"Sec-Fetch-Site": "cross-site"})
        assert (preview.status_code, preview.content) == (200, b"")
        for _ in range(2):
            assert (await site.http.get(url)).status_code == 200
        assert says(await site.send(url, {"action": "decline"}), 200, "Recorded")
        assert site.taken == [{"action": "decline"}]


async def test_an_answer_that_does_not_fit_is_shown_again_with_what_was_typed() -> None:
    async with serving() as site:
        url = await site.url()
        again = await site.send(url, {"action": "accept", "f0": "", "f1": "twelve <i>"})
        assert again.status_code == 422
        assert 'value="twelve &lt;i&gt;"' in again.text
        assert '<a href="#f0">Name: is required</a>' in again.text
        assert '<a href="#f1">Age: must be a whole number</a>' in again.text
        assert site.taken == []
        assert says(await site.send(url), 200, "Recorded")


@pytest.mark.parametrize(
    ("trouble", "status", "shown"),
    [
        (FormProblems({"age": "must be even"}), 422, '<a href="#f1">Age: must be even</a>'),
        (AnswerError("No such <name>."), 422, "<li>No such &lt;name&gt;.</li>"),
        (OSError("disk full"), 500, "could not record this answer. Nothing was lost: try again."),
    ],
)
async def test_an_answer_that_the_engine_does_not_take_may_be_sent_again(
    trouble: Exception, status: int, shown: str
) -> None:
    async with serving() as site:
        url = await site.url()
        site.becomes = trouble
        again = await site.send(url)
        assert again.status_code == status
        assert shown in again.text
        assert 'value="Ann"' in again.text
        assert "disk full" not in again.text
        site.becomes = "recorded"
        assert says(await site.send(url), 200, "Recorded")


@pytest.mark.parametrize(
    ("state", "status", "title"),
    [
        ("answered", 410, "Already answered"),
        ("withdrawn", 410, "Not asked any more"),
        ("ended", 410, "The run has ended"),
        ("expired", 410, "This page has expired"),
        ("unknown", 404, "No such question"),
        ("stopping", 503, "The server is stopping"),
    ],
)
async def test_a_question_that_does_not_wait_says_why(state: str, status: int, title: str) -> None:
    async with serving() as site:
        url = await site.url()
        match state:
            case "answered":
                assert says(await site.send(url), 200, "Recorded")
                site.taken.clear()
            case "withdrawn":
                site.desk.withdraw(question())
            case "ended":
                site.desk.end("r1")
            case "expired":
                site.now += 60
            case "unknown":
                url = url[:-1]
            case _:
                site.desk.close()
        assert says(await site.http.get(url), status, title)
        assert says(await site.send(url), status, title)
        assert site.taken == []


async def test_an_answer_that_came_too_late_for_the_engine_says_so() -> None:
    async with serving() as site:
        url = await site.url()
        site.becomes = "ended"
        assert says(await site.send(url), 410, "The run has ended")


async def test_two_answers_at_the_same_time_are_one() -> None:
    async with serving() as site:
        url = await site.url()
        replies = await asyncio.gather(*(site.send(url) for _ in range(5)))
        assert sorted(one.status_code for one in replies) == [200, 410, 410, 410, 410]
        assert len(site.taken) == 1


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", ""])
async def test_a_name_that_is_not_ours_reaches_nothing(host: str) -> None:
    async with serving() as site:
        url = await site.url()
        headers = {"Host": host.format(port=urlsplit(url).port)}
        assert says(await site.http.get(url, headers=headers), 421, "Wrong address")
        assert says(await site.send(url, headers=headers), 421, "Wrong address")
        assert site.taken == []


async def test_this_machine_may_be_called_localhost() -> None:
    async with serving() as site:
        url = await site.url()
        host = {"Host": f"LocalHost:{urlsplit(url).port}"}
        assert says(await site.send(url, headers=host), 200, "Recorded")


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Origin": "{origin}"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{origin}"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://127.0.0.1:1"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
async def test_a_form_of_another_origin_is_not_taken(
    *, headers: dict[str, str], taken: bool
) -> None:
    async with serving() as site:
        url = await site.url()
        origin = url.partition("/answer")[0]
        sent = {name: value.format(origin=origin) for name, value in headers.items()}
        reply = await site.http.post(url, data=SUBMIT, headers=sent)
        assert says(reply, 200, "Recorded") if taken else says(reply, 403, "Not taken")
        assert len(site.taken) == taken


async def test_what_is_no_form_is_refused_and_the_question_still_waits() -> None:
    async with serving() as site:
        url = await site.url()
        port = urlsplit(url).port
        json = await site.http.post(url, json=SUBMIT, headers=OURS)
        assert says(json, 415, "Not a form")
        form = {**OURS, "Content-Type": "application/x-www-form-urlencoded"}
        for body in (b"f0=%ff", b"f0=\xff", b"a=1&" * 20_000):
            broken = await site.http.post(url, content=body, headers=form)
            assert says(broken, 400, "Not readable")
        put = await site.http.put(url, data=SUBMIT)
        assert says(put, 405, "Not possible")
        assert put.headers["allow"] == "GET, HEAD, POST"
        lost = await site.http.get(f"http://127.0.0.1:{port}/")
        assert says(lost, 404, "No such question")
        assert site.taken == []
        assert says(await site.send(url), 200, "Recorded")


async def test_too_long_an_answer_is_refused_and_the_question_still_waits() -> None:
    async with serving() as site:
        url = await site.url()
        long = await site.send(url, {**SUBMIT, "f0": "x" * web.LARGEST_BODY})
        assert says(long, 413, "Too long")

        async def endless() -> AsyncGenerator[bytes]:
            while True:
                yield b"x" * web.LARGEST_BODY

        form = {**OURS, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            reply = await site.http.post(url, content=endless(), headers=form)
        except httpx2.NetworkError:
            pass  # the server hung up while we were still sending
        else:
            assert says(reply, 413, "Too long")
        assert site.taken == []
        assert says(await site.send(url), 200, "Recorded")


async def test_a_button_must_have_been_pressed() -> None:
    async with serving() as site:
        url = await site.url()
        for typed in ({"f0": "Ann"}, {"action": "yes", "f0": "Ann"}):
            again = await site.send(url, typed)
            assert again.status_code == 422
            assert "<li>Choose one of the buttons.</li>" in again.text


async def test_only_this_machine_is_served_and_no_path_is_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as site:
        url = await site.url()
        listening = urlsplit(url)
        with socket.socket() as other, pytest.raises(ConnectionRefusedError):
            other.connect(("127.0.0.2", listening.port or 0))
        site.becomes = OSError("disk full")
        await site.send(url)
        site.becomes = "recorded"
        assert says(await site.send(url), 200, "Recorded")
        token = listening.path.rpartition("/")[2]
    server = [one for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]
    assert any("could not be recorded" in one.getMessage() for one in server)
    assert not any(token in logging.Formatter().format(one) for one in server)
    assert capfd.readouterr().out == ""


async def test_the_server_starts_with_the_first_question_and_leaves_signals_alone() -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    async with serving() as site:
        assert {task.get_name() for task in asyncio.all_tasks()}.isdisjoint({"local pages"})
        ports = {urlsplit(await site.url()).port for _ in range(3)}
        assert len(ports) == 1
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
        await site.pages.aclose()
        with pytest.raises(RuntimeError, match="The desk is closed"):
            await site.url()
    assert {task.get_name() for task in asyncio.all_tasks()}.isdisjoint({"local pages"})


async def test_pages_that_were_never_asked_for_close_as_well() -> None:
    async with serving() as site:
        await site.pages.aclose()
        assert site.desk.look("nonsense")[0] == "stopping"


async def test_the_page_outlives_the_request_that_asked_first() -> None:
    async with serving() as site:
        asking = asyncio.create_task(site.url())
        url = await asking
        asking.cancel()
        assert says(await site.send(url), 200, "Recorded")


async def test_an_address_is_good_although_no_browser_opens() -> None:
    async with serving() as site:
        site.trouble = "No browser."
        opened = await site.pages.open(question())
        assert opened.trouble == "No browser."
        assert says(await site.send(opened.url), 200, "Recorded")


async def test_a_connection_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_ours(peer: tuple[str, int], here: tuple[str, int]) -> bool:
        return False

    async with serving() as site:
        monkeypatch.setattr("inverted.pages.local.is_ours", is_ours)
        url = await site.url()
        assert says(await site.http.get(url), 403, "Somebody else&#x27;s page")
        assert says(await site.send(url), 403, "Somebody else&#x27;s page")


async def test_a_server_on_the_web_mounts_the_pages_under_its_own_name() -> None:
    site = Site(httpx2.AsyncClient())
    await site.http.aclose()
    routes = web.routes(site.desk, ["https://agents.example"])
    transport = httpx2.ASGITransport(Starlette(routes=list(routes)))
    path = f"{web.PATH}{site.desk.put(question())}"
    async with httpx2.AsyncClient(transport=transport, base_url="https://agents.example") as http:
        assert (await http.get(path)).status_code == 200
        elsewhere = await http.get(path, headers={"Host": "127.0.0.1"})
        assert says(elsewhere, 421, "Wrong address")
        done = await http.post(path, data=SUBMIT, headers={"Origin": "https://agents.example"})
        assert says(done, 200, "Recorded")
    assert len(site.taken) == 1
