"""A dependency graph as something to look at: text, Mermaid, DOT and what Graphviz makes of that."""
