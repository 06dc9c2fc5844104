"""JSON-RPC as it is on the wire: nothing here interprets a message or repairs one."""
