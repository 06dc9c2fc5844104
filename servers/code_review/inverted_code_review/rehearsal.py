"""Stands in for a language model, for people without an API key.

It is a plain policy over the real tools: it asks them what a careful reader would ask, and its
findings say only what the tools and linters returned (`inspections.py`). Rules: a pure function of
the request; everything it knows is in the messages, so each turn starts from the beginning with a
`Desk` of the answers so far. The terminal host finds `policy` through the entry point group
`inverted.rehearsal`.
"""

from __future__ import annotations

from typing import Any

from inverted_code_review.desk import Call, Desk
from inverted_code_review.findings import REHEARSAL, FileFindings, Finding, Verdict, Verdicts
from inverted_code_review.inspections import inspect
from inverted_code_review.prompts import read_judge, read_review, task_of

AT_ONCE = 8
_FINAL = "final_response"


# Wire-form JSON on both sides, as the protocol defines it.
def policy(request: dict[str, Any]) -> dict[str, Any]:
    """Answer one `sampling/createMessage` request of this server.

    Args:
        request: The params of the request in wire form.

    Returns:
        A CreateMessageResult in wire form: tool calls, or the final answer.

    Raises:
        ValueError: The request is not one of this server.
    """
    messages = [(message["role"], _blocks(message["content"])) for message in request["messages"]]
    prompt = next((block["text"] for block in messages[0][1] if block["type"] == "text"), "")
    task = task_of(prompt)
    if task not in {"review", "judge"}:
        raise ValueError(
            "This rehearsal model only knows the prompts of the code-review server. "
            "Use a language model for other servers."
        )
    offered: list[str] = [tool["name"] for tool in request.get("tools", [])]
    may_call: bool = request.get("toolChoice", {}).get("mode") != "none"
    if task == "judge":
        return _final(_judge(prompt), by_tool=may_call and _FINAL in offered)
    desk = Desk(_answers([block for _, blocks in messages for block in blocks]))
    found = list(inspect(*read_review(prompt), desk))
    calls = [call for call in desk.wanted if call.tool in offered][:AT_ONCE] if may_call else []
    if calls:
        return _result(
            [
                _tool_use(f"call-{len(messages)}-{number}", call.tool, call.arguments)
                for number, call in enumerate(calls)
            ]
        )
    return _final(FileFindings(findings=found), by_tool=may_call and _FINAL in offered)


def _judge(prompt: str) -> Verdicts:
    """Remove what says the same as an earlier finding, and what quotes nothing."""
    verdicts: list[Verdict] = []
    seen: dict[tuple[object, ...], int] = {}
    for number, finding in read_judge(prompt).findings.items():
        keys = _same(finding)
        twin = next((seen[key] for key in keys if key in seen), 0)
        if twin:
            verdicts.append(Verdict(number=number, keep=False, reason=f"the same as number {twin}"))
        elif not finding.evidence.strip():
            verdicts.append(Verdict(number=number, keep=False, reason="it quotes no evidence"))
        seen |= {key: number for key in keys if key not in seen}
    return Verdicts(verdicts=verdicts)


def _same(finding: Finding) -> list[tuple[object, ...]]:
    """What two findings may not both have: their place with their title or with their source."""
    place = (finding.file, finding.side, finding.line)
    return [(*place, finding.title), (*place, finding.source, finding.evidence)]


def _answers(blocks: list[dict[str, Any]]) -> dict[Call, str | None]:
    """The tool results so far, None where a tool failed."""
    calls = {
        block["id"]: Call.of(block["name"], block["input"])
        for block in blocks
        if block["type"] == "tool_use"
    }
    return {
        calls[block["toolUseId"]]: None if block.get("isError") else _text(block["content"])
        for block in blocks
        if block["type"] == "tool_result"
    }


def _final(answer: FileFindings | Verdicts, *, by_tool: bool) -> dict[str, Any]:
    if by_tool:
        return _result([_tool_use("final", _FINAL, answer.model_dump(mode="json"))])
    text = {"type": "text", "text": answer.model_dump_json()}
    return {"role": "assistant", "model": REHEARSAL, "content": text, "stopReason": "endTurn"}


def _result(content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"role": "assistant", "model": REHEARSAL, "content": content, "stopReason": "toolUse"}


def _tool_use(identity: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": identity, "name": name, "input": arguments}


def _blocks(content: dict[str, Any] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else [content]


def _text(content: list[dict[str, Any]]) -> str:
    return "".join(block["text"] for block in content if block["type"] == "text")
