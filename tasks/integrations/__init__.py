"""What libraries that train models take of ours; none of them is imported here."""
