"""Everything the program says to PostgreSQL, with the toolkit that brings a schema up to date."""
