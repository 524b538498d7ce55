"""Doors from other systems' jobs to graphbit, one module each; none is imported unless named."""
