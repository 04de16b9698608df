"""What a run gives an agent that cannot be made without it, by the name of the parameter.

A parameter that has a default keeps it, and what takes ``**settings`` is given nothing: an agent
must ask for the future of its market, and a class of others may well call its own model ``model``.
"""

MODEL = "model"
"""The language model of the run, or the offline reader."""
MEMORY = "memory"
"""Makes the empty memory of a repeat, given its seed."""
MARKET, DYNAMICS = "market", "dynamics"
"""The market of an episode, future and hidden state included; the parameters of a simulated one."""
PROXY = "proxy"
"""What a framework's own client needs to ask that model: ``base_url``, ``api_key``, ``model``."""
PARTS = frozenset({MODEL, MEMORY, PROXY, MARKET, DYNAMICS})
