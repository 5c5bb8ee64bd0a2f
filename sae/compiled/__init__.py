"""The compiled training step: numba kernels and the step made of them. `sae.steps` decides when it is used.

Everything here has a pure-torch counterpart that it is tested against; nothing else in `sae` needs numba.
"""
