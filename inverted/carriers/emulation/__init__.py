"""Tools emulated in text, for clients that sample without tools.

`as_text` says a request with tools in words, `from_text` reads the model's words back as `tool_use`
blocks. Both are pure: a journaled answer is the same on replay. A carrier calls them on the way out
and on the way in; the run sees tools either way.

The syntax is the one of Hermes and Qwen, which open models are trained on and others copy at once:

    <tool_call>
    {"name": "search", "arguments": {"query": "tea"}}
    </tool_call>

and results come back as `<tool_response name="search">…</tool_response>`. Why this one: the tags
stand out from prose, from code and from JSON in the answer; JSON carries nested and multi-line
arguments, which ReAct's `Action Input:` lines do not; the schema that the model is shown is JSON
already, which one XML element per parameter (Cline) has to translate; and nothing is executed, as
with code agents (smolagents). Bare JSON (Llama, LangChain's JSON chat) is not told from an answer
that is JSON.

**No quoted text can be a call.** The tags are chosen as MIME chooses its boundary
(RFC 2046, 5.1.1): a word that occurs nowhere in the conversation, its tools or its system prompt.
Mostly that is `tool_call`; where a text speaks of `tool_call`, it is `tool_call_2` and so on. So
results need no escaping, cannot close their own tag, and a model that repeats one calls nothing. A
tag that the model itself writes within prose or a code block calls nothing either.

**Repairs are local**, see `repair`. A call that stays unreadable becomes a call of `INVALID`, which
the sampling loop answers with the problem, so that the model writes it again.

Sources: specification 2025-11-25, client/sampling; the function calling format of
NousResearch/Hermes; vllm-project/vllm issue 45167 (an end tag within a JSON string) and pull
request 20474 (a start tag written twice), both read right here.
"""

from inverted.carriers.emulation.answer import from_text
from inverted.carriers.emulation.request import as_text
from inverted.carriers.emulation.syntax import INVALID

__all__ = ["INVALID", "as_text", "from_text"]
