"""Imported by a fork server, so that processes that train have what takes seconds to import."""

from investorbench.tasks.training.libraries import libraries

libraries()
