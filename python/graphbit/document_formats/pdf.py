"""PDF, page by page, by the pypdf library (extra ``pdf``)."""

from __future__ import annotations

import io
import time

from .extraction import Extraction, TextOutput, needed, refused

PAGES_MAX = 10_000
EXTRACTION_S_MAX = 120.0


def text_of(data: bytes, extraction: Extraction) -> str:
    """The text of all pages, one after the other; laid out as on the page with `preserve_formatting`. An encrypted
    document needs the setting ``pdf_password`` unless its password is empty."""
    pypdf = needed("pypdf", "pdf", "pdf")
    if b"%PDF-" not in data[:1024]:
        raise refused("Failed to extract text from PDF: it does not start as a PDF does")
    ends_at_s = time.monotonic() + EXTRACTION_S_MAX
    output = TextOutput()
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(str(extraction.settings.get("pdf_password", ""))):
            raise refused("Failed to extract text from PDF: it is encrypted; set extraction_settings['pdf_password']")
        if len(reader.pages) > PAGES_MAX:
            raise refused(f"Failed to extract text from PDF: more than {PAGES_MAX} pages")
        for page in reader.pages:
            if time.monotonic() > ends_at_s:
                raise refused(f"Failed to extract text from PDF: not done within {EXTRACTION_S_MAX:.0f} s")
            text = page.extract_text(extraction_mode="layout" if extraction.preserve_formatting else "plain")
            output.add(text.rstrip("\n") + "\n")
    except ImportError as error:
        raise ImportError(f"{error}: pip install 'graphbit-actors[pdf]'") from None
    except ValueError as error:
        if hasattr(error, "kind"):
            raise
        raise refused(f"Failed to extract text from PDF: {error}") from None
    except Exception as error:  # a broken file makes pypdf raise almost anything
        raise refused(f"Failed to extract text from PDF: {type(error).__name__}: {error}") from None
    return output.text().rstrip("\n")
