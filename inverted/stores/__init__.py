"""Where journals are kept, behind one protocol."""
