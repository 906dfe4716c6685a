"""What a person can ask for: one public operation is one transaction."""
