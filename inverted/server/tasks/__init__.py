"""Tasks of the protocol, in both forms, and as plain tools for hosts that have neither.

The runs are driven by `runtime.tasks`. What is here creates them, shows them, and brings answers.
"""
