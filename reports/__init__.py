"""The morning's report: one summary of the marts, rendered as HTML and text, mailed.

Nothing is computed here that a mart could say.
"""
