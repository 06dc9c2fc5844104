"""Sampling: the server asks the client's model."""

from __future__ import annotations

from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import SAMPLE
from inverted_conformance.server_mode.scripted import Script


@scenario(
    "capabilities", checks=("capabilities.sampling-context-undeclared",), needs=("test_sampling",)
)
async def sampling_context(lab: Lab) -> None:
    """A client without `sampling.context` is asked without context of other servers."""
    client = await lab.client({"sampling": {}})
    reply = await client.call("test_sampling", {"prompt": "Hello"}, answers=Script(["Good day."]))
    asked = [question for question in reply.questions if question.method == SAMPLE]
    if not asked:
        lab.wrong(f"test_sampling should ask the model once, but {reply.told}.")
    context = asked[0].params.get("includeContext", "none")
    lab.check(
        "capabilities.sampling-context-undeclared",
        context == "none",
        f"includeContext was {context!r}.",
    )
