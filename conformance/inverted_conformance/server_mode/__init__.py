"""The suite plays a client: raw at the wire, with a scripted model and a scripted person."""
