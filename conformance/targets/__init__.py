"""Servers and clients on the SDKs of others, and the run of the suite against all of them."""
