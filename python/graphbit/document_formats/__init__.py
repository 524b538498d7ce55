"""Document formats, one file each: bytes in, text out.

Every reader takes the whole document and an :class:`~graphbit.document_formats.extraction.Extraction` and returns text;
whatever is wrong with the bytes ends in a ``ValueError`` that says so, within the limits of that object. Libraries that
a format needs beyond the standard library are imported when the first such document is read; where one is missing, the
ImportError names the extra that brings it.
"""
