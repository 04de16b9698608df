"""Corpora: briefings of many days with their labels, and theses of teachers."""
