"""The ways that questions and answers travel between a run and a client."""
