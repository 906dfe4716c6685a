"""Real command lines of coding agents, run through the executor against a model server of ours: `make agents`."""
