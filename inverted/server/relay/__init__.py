"""The relay: a run goes on through the results of tools, answered by whoever calls the next one.

Reaches every client that can call tools. `words` says what is needed, `answers` reads what the
host's model makes of it, `schema` makes room for such replies in an agent's output schema, `tool`
is the second tool, and `listing` shows it to the clients that may need it.
"""
