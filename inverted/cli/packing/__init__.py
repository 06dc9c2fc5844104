"""What `inverted pack` is made of.

`project` reads what a target says about itself, `contents` finds out what has to go in, `wheels`
builds it, `manifest` and `registry` describe it, `tools` asks the server what it can do.
"""
