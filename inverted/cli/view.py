"""What the person sees of a run while it goes on.

Two parts, on one console:
- lines that stay: one block per question, printed when it is answered, so that parallel questions
  never mix;
- on a terminal, a few lines below them that are redrawn: what is being waited for, progress, and
  the figures of the run. Elsewhere there are only the lines, without control codes.

While a person types, nothing is redrawn and new lines wait. `blocks` words the lines; this module
decides when they appear.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import anyio
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from inverted.cli.events import Answered, Asked, Connected, Event, Logged, Progress, TaskChanged
from inverted.cli.lines import (
    Glyphs,
    answered_lines,
    figures,
    header_lines,
    logged_line,
    progress_text,
    question_line,
    task_words,
)
from inverted.cli.text import clip, duration, first_line
from inverted.cli.transcript import Transcript

_FRAMES_PER_SECOND = 8
_SHOWN_AT_ONCE = 6


class View:
    """Shows a run.

    Args:
        console: Where it is shown.
        transcript: The run so far; must see each event before the view does.
        quiet: Show nothing but what a person must see.
    """

    def __init__(self, console: Console, transcript: Transcript, *, quiet: bool) -> None:
        self._console = console
        self._transcript = transcript
        self._quiet = quiet
        self._glyphs = Glyphs.for_encoding(console.encoding)
        self._started = monotonic()
        self._open: dict[int, Asked] = {}
        self._progress: Progress | None = None
        self._activity = ""
        self._task: TaskChanged | None = None
        self._live: Live | None = None
        self._turn = anyio.Lock()
        self._typing = False
        self._gap = False  # an empty line is due before the next lines
        self._waiting: list[Callable[[], None]] = []

    @property
    def elapsed(self) -> float:
        """Seconds since the view began."""
        return monotonic() - self._started

    def start(self, activity: str) -> None:
        """Begin, with what is being done before the run itself."""
        self._activity = activity
        self._resume()

    def stop(self) -> None:
        """Stop redrawing. Lines may still be printed. Safe to call twice."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    @asynccontextmanager
    async def typing(self) -> AsyncGenerator[None]:
        """Give the terminal to one question; others, and all redrawing, wait."""
        async with self._turn:
            self.stop()
            self._typing = True
            try:
                yield
            finally:
                self._typing = False
                self._gap = True
                for show in self._waiting:
                    show()
                self._waiting.clear()
                self._resume()

    def watch(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Connected():
                self._activity = f"running {event.agent}" if event.agent else "asking for the task"
                self._print(header_lines(event, self._glyphs, self._width))
                self._gap = True
            case TaskChanged():
                self._show_task(event)
            case Asked():
                self._open[event.id] = event
            case Answered():
                asked = self._open.pop(event.id)
                self._print(answered_lines(asked, event, self._glyphs, self._width))
            case Progress():
                self._show_progress(event)
            case Logged():
                self._print([logged_line(event)])
            case _:
                pass

    @property
    def _width(self) -> int | None:
        """Where lines are cut; None where nobody looks at a screen."""
        return self._console.width if self._console.is_terminal else None

    def _show_task(self, event: TaskChanged) -> None:
        before, self._task = self._task, event
        self._activity = f"task {task_words(event)}"
        connected = self._transcript.connected
        if before is None and connected is not None and not connected.task:
            self._print([Text(f"task {event.id}", "dim")])
            self._gap = True
        said = {before.message if before else "", self._progress.message if self._progress else ""}
        if event.status in ("working", "input_required") and event.message not in {*said, ""}:
            self._print_message(event.message)

    def _print_message(self, message: str) -> None:
        if not self._console.is_terminal:
            self._print([Text(f"{self._glyphs.progress} {first_line(message)}")])

    def _show_progress(self, event: Progress) -> None:
        before, self._progress = self._progress, event
        if self._console.is_terminal:
            return
        # As lines, many small steps would drown the rest: only those that say something new.
        done = event.progress == event.total
        if done or before is None or event.message != before.message:
            self._print([Text(f"{self._glyphs.progress} {progress_text(event)}")])

    def _print(self, lines: list[Text]) -> None:
        if self._quiet or not lines:
            return

        def show() -> None:
            gap, self._gap = [Text("")] if self._gap else [], False
            for line in [*gap, *lines]:
                self._console.print(line, soft_wrap=True)

        if self._typing:
            self._waiting.append(show)
        else:
            show()

    def _resume(self) -> None:
        if self._quiet or not self._console.is_terminal or self._live is not None:
            return
        self._live = Live(
            console=self._console,
            get_renderable=self.render,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def render(self) -> RenderableType:
        """The lines that are redrawn: what is waited for, progress, and the figures."""
        rows: list[RenderableType] = [Text("")]
        now = monotonic()
        rows += [
            self._waiting_row(question_line(asked), now - asked.at)
            for asked in list(self._open.values())[:_SHOWN_AT_ONCE]
        ]
        hidden = len(self._open) - _SHOWN_AT_ONCE
        if hidden > 0:
            rows.append(Text(f"  and {hidden} more", "dim"))
        if not self._open:
            rows.append(self._waiting_row(Text(self._activity), None))
        if self._progress is not None and self._progress.progress != self._progress.total:
            rows.append(self._progress_row(self._progress))
        text = " · ".join([*figures(self._transcript), duration(self.elapsed)])
        rows.append(Text(f"  {clip(text, self._console.width - 2)}", "dim"))
        return Group(*rows)

    def _waiting_row(self, line: Text, seconds: float | None) -> RenderableType:
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(width=1)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        row.add_column(justify="right", style="dim")
        row.add_row(self._spinner(), line, "" if seconds is None else duration(seconds))
        return row

    def _spinner(self) -> Spinner:
        spinner = Spinner(self._glyphs.spinner, style="cyan")
        spinner.start_time = 0.0  # a new object per frame must not start over
        return spinner

    def _progress_row(self, event: Progress) -> RenderableType:
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(width=1)
        row.add_column(width=24)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis", style="dim")
        total = event.total or None
        bar = ProgressBar(total=total, completed=event.progress, pulse=total is None, width=24)
        row.add_row("", bar, progress_text(event))
        return row
