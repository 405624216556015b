"""What the gateway costs on this machine: `make bench`. Figures, never verdicts: no test asserts on time."""
