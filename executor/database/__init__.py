"""A connection to PostgreSQL, ready to use: the server found or started, the schema ours, errors in our words."""
