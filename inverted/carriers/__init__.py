"""Carriers: how questions reach the client and answers come back.

`backchannel` serves the handshake eras, where a server sends requests; `rounds` serves 2026-07-28,
where it returns them. Both ask the same questions of the same run.
"""
