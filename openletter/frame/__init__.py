"""What the faces share: the base page, the style sheet, labels of closed sets, the evidence table.

Owns how openletter looks and how codes read as words. Promises: no page needs a script, every
closed set of `words` has a label in every language, and text from outside stays text.
"""
