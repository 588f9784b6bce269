"""The structure of the code in figures; `python -m tools.structure` prints them."""
