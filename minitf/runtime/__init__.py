"""How a graph runs: sessions, programs, and what lives between two runs."""
