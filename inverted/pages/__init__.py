"""Pages and a card on which a person answers where the client shows no form.

`form` draws a question and reads what was typed. `desk` shows it at a one-time address and passes
the answer on; `local` serves a desk on this machine and opens the browser. `card` is the same form
inside an MCP Apps host.
"""
