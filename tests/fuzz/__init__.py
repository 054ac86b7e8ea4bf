"""Properties of the parsers of what users type and edit, on random input.

`pytest tests/fuzz` runs the same few hundred examples of each every time. `python -m tests.fuzz --minutes 10`, or
`make fuzz`, runs as many others as the time allows.
"""
