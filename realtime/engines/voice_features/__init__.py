"""Features of a voice that converters work on: its content and its pitch.

What finds them is loaded once for each device, however many voices use it.
"""
