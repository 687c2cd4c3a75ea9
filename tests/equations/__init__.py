"""One proof for each labelled equation of the book, chapter by chapter."""
