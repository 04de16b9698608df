"""The ``investorbench`` command, which wires everything together."""

import tasks  # noqa: F401  # finds out whether `agents` is ours before anything here imports it
