"""What an agent's author touches: the run and its verbs."""
