"""Client mode: the suite plays the server, and judges the client that a command starts."""
