#!/usr/bin/env python3
"""Search by meaning: a text is split into chunks, the chunks are embedded, a question finds the nearest ones.

Runs on the embedded simulator, whose vectors are close where texts share their words.

    embeddings_search.py [--question TEXT] [FILE ...]
"""

from __future__ import annotations

import argparse
import sys

from graphbit import DocumentLoader, EmbeddingClient, TextSplitter, TextSplitterConfig
from graphbit.testing import Simulator

TEXT = """# Breakers

A circuit breaker watches the attempts that a provider fails. When most of them fail it opens, and further requests are
refused at once instead of waiting for a provider that is down.

# Limits

A limiter counts requests and tokens per minute. It learns from the headers of the provider how much is left, and lets
calls wait in the order in which they came.

# Journals

A journal records every finished node of a run. After a crash the run continues from what the journal holds, and no
recorded node asks its provider again.
"""


def chunks_of(files: list[str]) -> list[str]:
    """The chunks of the files, or of the text above."""
    loader = DocumentLoader()
    texts = [loader.load_document(file, loader.detect_document_type(file) or "txt").content for file in files]
    splitter = TextSplitter(TextSplitterConfig.markdown(chunk_size=600))
    return [chunk.content for chunks in splitter.split_texts(texts or [TEXT]) for chunk in chunks]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Finds the chunks of texts that are nearest to a question.")
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--question", default="Which limiter counts tokens, and what do its headers say?")
    options = parser.parse_args(arguments)
    try:
        chunks = chunks_of(options.files)
    except (ValueError, ImportError) as error:
        print(f"embeddings_search: {error}", file=sys.stderr)
        return 1
    with Simulator() as simulator:
        client = EmbeddingClient(simulator.embedding_config())
        vectors = client.embed_many(chunks)
        question = client.embed(options.question)
    ranked = sorted(zip(chunks, vectors), key=lambda pair: client.similarity(question, pair[1]), reverse=True)
    print(f"{len(chunks)} chunks; question: {options.question}")
    for chunk, vector in ranked[:3]:
        print(f"{client.similarity(question, vector):6.3f}  {' '.join(chunk.split())[:90]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
