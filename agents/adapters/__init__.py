"""Other minds as agents: a server, a debate, a graph of LangGraph, an agent of Pydantic AI."""
