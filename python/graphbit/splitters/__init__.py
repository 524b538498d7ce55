"""The eight strategies of text splitting, one file each.

Every strategy is a function from a text to spans (see :mod:`graphbit.splitters.span`); checks, offsets in bytes and
chunks are made in one place, :mod:`graphbit.text_splitter`. All work in time linear in the text and what is put out.
"""
