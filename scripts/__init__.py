"""The ``investorbench`` command, which wires everything together."""
