"""Imported by a fork server, so that processes to be killed have what takes seconds to make."""

import chromadb  # noqa: F401
import openai  # noqa: F401

import investorbench.scripts.main  # noqa: F401
from investorbench.tasks.task import Task

for name in ("sim", "tsla", "msft"):
    Task.of(f"stock/{name}", data="simulated").make("test")
