"""The parts of `inverted doctor`: what a server says and has, and how a diagnosis is shown."""
