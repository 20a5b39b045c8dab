"""With this package one can train on several processes and machines: parameter servers."""
