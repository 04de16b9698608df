"""One module a protocol: how a question is put to a server, and its reply read."""
