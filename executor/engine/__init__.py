"""The loop that runs a list, and the threads that only post to its inbox."""
